"""A sandbox that is killed and started again, who writes to it, and what is found behind each kill."""

import hashlib
import json
import random
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import fastcrc
import requests

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket
from tests.integration.signed import Call, Lease, signed

USER = ("LTAIcrash", "crash-secret")
FOLDER = "users/alice/"


class Gone(Exception):
    """The sandbox was killed while it was asked something."""


@dataclass(frozen=True)
class Line:
    """A writer's line to the sandbox: one request after another until it is cut.

    Attributes:
        sandbox: Where it leads.
        lease: Whose keys sign.
        session: The connections.
        acknowledged: Counts the answers.
    """

    sandbox: Sandbox
    lease: Lease
    session: requests.Session
    acknowledged: threading.Semaphore

    def ask(self, method: str, key: str, query: str = "", body: bytes | None = None) -> bytes:
        """Make one request that must be served; give the body of the answer.

        Raises:
            Gone: The sandbox was killed before it answered; nobody knows what it did.
        """
        try:
            answer = self.session.send(
                signed(self.sandbox, self.lease, Call(method, key, query, body)), timeout=30
            )
        except requests.RequestException:
            raise Gone from None
        assert answer.ok, answer.text
        self.acknowledged.release()
        return answer.content


@dataclass(frozen=True)
class Found:
    """What is there behind a kill.

    Attributes:
        objects: The real MD5 of each object by key, in upper-case hex.
        uploads: The parts of each upload by key and id, as number and ETag.
    """

    objects: Mapping[str, str]
    uploads: Mapping[tuple[str, str], Mapping[int, str]]


class Writer(Protocol):
    """Writes to keys of its own, and knows what was acknowledged."""

    def work(self, line: Line) -> None:
        """Write until the line is cut.

        Raises:
            Gone: It is.
        """

    def settle(self, found: Found) -> None:
        """Hold what is there against what was promised, and take it as the new truth."""


def bytes_of(name: str, size: int) -> bytes:
    """Derive a body from a name, so that any mix of two is seen."""
    return random.Random(name).randbytes(size)  # noqa: S311 - no secret


def digest_of(body: bytes) -> str:
    """Give the MD5 of a body as an ETag writes it."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest().upper()


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


def look(line: Line) -> Found:
    """Read every object and every upload of the bucket; checksums must be theirs."""
    objects, uploads = {}, {}
    listing = line.ask("GET", "", "?list-type=2&max-keys=1000")
    for item in ET.fromstring(listing).findall("Contents"):
        key = item.findtext("Key", "")
        answer = line.session.send(
            signed(line.sandbox, line.lease, Call("GET", key, body=None)), timeout=30
        )
        assert answer.status_code == 200
        body = answer.content
        assert answer.headers["x-oss-hash-crc64ecma"] == str(fastcrc.crc64.xz(body)), key
        assert item.findtext("Size") == str(len(body))
        objects[key] = digest_of(body)
        if item.findtext("Type") == "Normal":
            assert item.findtext("ETag", "").strip('"') == objects[key]
    for item in ET.fromstring(line.ask("GET", "", "?uploads")).findall("Upload"):
        key, name = item.findtext("Key", ""), item.findtext("UploadId", "")
        parts = ET.fromstring(line.ask("GET", key, f"?uploadId={name}")).findall("Part")
        uploads[key, name] = {
            int(part.findtext("PartNumber", "")): part.findtext("ETag", "").strip('"')
            for part in parts
        }
    return Found(objects, uploads)


def crash(data: Path, writers: Sequence[Writer], seed: int, rounds: int) -> None:
    """Run, kill and check so many times over.

    Args:
        data: The data folder.
        writers: Who writes meanwhile, each in a thread; their lease is from the first run.
        seed: What chance begins with; shown when a check fails.
        rounds: How many times.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    lease: Lease = {}
    for _ in range(rounds):
        acknowledged = threading.Semaphore(0)
        with child(data) as (sandbox, process), ThreadPoolExecutor(len(writers)) as pool:
            lease = lease or whole_bucket(sandbox)
            working = [pool.submit(_work, one, sandbox, lease, acknowledged) for one in writers]
            for _ in range(chance.randrange(1, 10 * len(writers))):
                assert acknowledged.acquire(timeout=30)
            process.kill()
            for one in working:
                one.result(timeout=60)
        with child(data) as (sandbox, process):
            with requests.Session() as session:
                found = look(Line(sandbox, lease, session, acknowledged))
            for writer in writers:
                writer.settle(found)
            bodies = len(found.objects) + sum(map(len, found.uploads.values()))
            assert len(list((data / "bodies").iterdir())) == bodies
            process.terminate()
            assert process.wait(timeout=30) == 0


def _work(
    writer: Writer, sandbox: Sandbox, lease: Lease, acknowledged: threading.Semaphore
) -> None:
    with requests.Session() as session:
        try:
            writer.work(Line(sandbox, lease, session, acknowledged))
        except Gone:
            return
