"""A sandbox that is killed while it writes: what it acknowledged is there, nothing else is left.

Several writers put and delete objects of their own; the kernel ends the program at a moment that
chance picks; the next run has to hold, for each key, the last state that was acknowledged, or the
one that was being written when the end came. The writers' lease is from the first run.
"""

import hashlib
import json
import random
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.house import lease_by_hand
from tests.integration.signed import Call, Lease, signed

WRITERS = 6
KEYS = 3
SIZES = (0, 1, 4096, 300_000, 3_000_000)
USER = ("LTAIcrash", "crash-secret")


@contextmanager
def child(data: Path) -> Iterator[tuple[Sandbox, subprocess.Popen[bytes]]]:
    """Run the program on a data folder, with a handle that only knows its addresses."""
    command = [sys.executable, "-m", "sts_server.sandbox", "--data", str(data)]
    keys = ["--access-key-id", USER[0], "--access-key-secret", USER[1]]
    with subprocess.Popen([*command, *keys], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        handle = Sandbox()
        for name, value in json.loads(process.stdout.readline()).items():
            setattr(handle, name, value)
        try:
            yield handle, process
        finally:
            process.kill()


def body_of(key: str, version: int) -> bytes:
    """Derive a body from its key and version, so that any mix of two is seen."""
    size = SIZES[version % len(SIZES)]
    return random.Random(f"{key} {version}").randbytes(size)  # noqa: S311 - no secret


@dataclass
class Writer:
    """Writes keys of its own, one after another, and knows what each must hold.

    Attributes:
        name: In every key.
        sure: MD5 by key as acknowledged; None for a key that is not there.
        perhaps: The write under way when the end came: key and MD5.
    """

    name: str
    sure: dict[str, str | None] = field(default_factory=dict)
    perhaps: tuple[str, str | None] | None = None
    version: int = 0

    def work(self, sandbox: Sandbox, lease: Lease, acknowledged: "threading.Semaphore") -> None:
        """Write until the sandbox is gone."""
        with requests.Session() as session:
            while True:
                self.version += 1
                key = f"users/alice/{self.name}/{self.version % KEYS}"
                body = None if self.version % 5 == 0 else body_of(key, self.version)
                digest = None if body is None else hashlib.md5(body).hexdigest()  # noqa: S324 - an ETag
                call = Call("DELETE" if body is None else "PUT", key, body=body)
                self.perhaps = key, digest
                try:
                    answer = session.send(signed(sandbox, lease, call), timeout=30)
                except requests.RequestException:
                    return
                assert answer.ok, answer.text
                self.sure[key], self.perhaps = digest, None
                acknowledged.release()


def objects(sandbox: Sandbox, lease: Lease) -> dict[str, str]:
    """Read every object of the bucket and give its real MD5 by key."""
    found = {}
    with requests.Session() as session:
        listing = Call("GET", "", "?list-type=2&prefix=users%2Falice%2F&max-keys=1000", None)
        root = ET.fromstring(session.send(signed(sandbox, lease, listing), timeout=30).content)
        for item in root.findall("Contents"):
            key = item.findtext("Key", "")
            answer = session.send(signed(sandbox, lease, Call("GET", key, body=None)), timeout=30)
            assert answer.status_code == 200
            digest = hashlib.md5(answer.content).hexdigest()  # noqa: S324 - an ETag
            assert item.findtext("ETag", "").strip('"').lower() == digest
            found[key] = digest
    return found


def verify(writers: list[Writer], found: dict[str, str], data: Path) -> None:
    """Hold what is there against what was promised, and take it as the new truth."""
    for writer in writers:
        for key, digest in writer.sure.items():
            allowed = {digest}
            if writer.perhaps is not None and writer.perhaps[0] == key:
                allowed.add(writer.perhaps[1])
            assert found.get(key) in allowed, key
    known = {key for writer in writers for key in writer.sure}
    begun = {writer.perhaps[0] for writer in writers if writer.perhaps}
    assert set(found) <= known | begun
    assert len(list((data / "bodies").iterdir())) == len(found)
    for writer in writers:
        mine = f"users/alice/{writer.name}/"
        keys = {key for key in (*writer.sure, *found) if key.startswith(mine)}
        writer.sure = {key: found.get(key) for key in keys}
        writer.perhaps = None


def crash(data: Path, seed: int, rounds: int) -> None:
    """Run, kill and check so many times over.

    Args:
        data: The data folder.
        seed: What chance begins with; shown when a check fails.
        rounds: How many times.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    writers = [Writer(f"w{number}") for number in range(WRITERS)]
    lease: Lease = {}
    for _ in range(rounds):
        with child(data) as (sandbox, process), ThreadPoolExecutor(WRITERS) as pool:
            lease = lease or lease_by_hand(sandbox, 3600)
            acknowledged = threading.Semaphore(0)
            working = [pool.submit(one.work, sandbox, lease, acknowledged) for one in writers]
            for _ in range(chance.randrange(1, 60)):
                assert acknowledged.acquire(timeout=30)
            process.kill()
            for one in working:
                one.result(timeout=60)
        with child(data) as (sandbox, process):
            verify(writers, objects(sandbox, lease), data)
            process.terminate()
            assert process.wait(timeout=30) == 0


def test_killed_a_few_times(tmp_path: Path) -> None:
    crash(tmp_path / "data", seed=1, rounds=3)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_killed_many_times(tmp_path: Path) -> None:
    crash(tmp_path / "data", seed=random.randrange(2**32), rounds=100)  # noqa: S311 - no secret
