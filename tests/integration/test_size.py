"""Large things: an object larger than any memory it may take, and a bucket of very many keys.

Each test runs small every day, and in full with `make soak`.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from fastcrc import crc64

from sts_server.sandbox import Sandbox
from sts_server.sandbox.oss.listing import gather
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import NO_BODY, Record
from tests.integration.crash import USER, child
from tests.integration.signed import Call, Lease, signed

MIB = 1024**2
BLOCK = os.urandom(MIB)
BUCKET = "examplebucket"
LARGE = "users/alice/large"
LEASE: Lease = {"AccessKeyId": USER[0], "AccessKeySecret": USER[1]}
MAX_MEMORY = 200 * MIB
SECONDS = 600


@contextmanager
def folder(size: int) -> Iterator[Path]:
    """Give a data folder that goes with its content, pytest would keep it; or skip, for want of disk."""
    with tempfile.TemporaryDirectory(prefix="sandbox-size-") as name:
        if shutil.disk_usage(name).free < size:
            pytest.skip(f"{size / 1024**3:.0f} GiB of disk are not free")
        yield Path(name) / "data"


def peak_memory(process: "subprocess.Popen[bytes]") -> int:
    """Give the most bytes that a process ever had in memory."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        pytest.skip("without /proc, nobody tells how much memory a process took")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1]) * 1024


class Client:
    """One kept connection to one bucket, V4 in headers."""

    def __init__(self, sandbox: Sandbox, session: requests.Session) -> None:
        self._sandbox = sandbox
        self._session = session

    def ask(self, call: Call, size: int = 0, **options: Any) -> requests.Response:
        """Send a request, with so many bytes of body if it has none of its own."""
        prepared = signed(self._sandbox, LEASE, call)
        if size:
            prepared.headers["Content-Length"] = str(size)
            prepared.body = (BLOCK for _ in range(size // MIB))  # type: ignore[assignment]
        answer = self._session.send(prepared, timeout=SECONDS, **options)
        assert answer.ok, answer.text
        return answer

    def page(self, behind: str, limit: int) -> list[str]:
        """List so many keys behind one."""
        query = f"?list-type=2&max-keys={limit}&start-after={quote(behind, safe='')}"
        root = ET.fromstring(self.ask(Call("GET", "", query, None)).content)
        return [key.text or "" for key in root.iterfind("Contents/Key")]


def move(part: int, parts: int) -> int:
    """Upload and download an object of many parts, and give the peak memory of the sandbox."""
    size = part * parts
    # The parts and the object that they become are there at once, for a moment.
    with (
        folder(2 * size + 1024 * MIB) as data,
        child(data) as (sandbox, process),
        requests.Session() as session,
    ):
        client = Client(sandbox, session)
        begun = client.ask(Call("POST", LARGE, "?uploads", None))
        upload = ET.fromstring(begun.content).findtext("UploadId", "")
        for number in range(1, parts + 1):
            client.ask(
                Call("PUT", LARGE, f"?partNumber={number}&uploadId={upload}", None), size=part
            )
        every = {"x-oss-complete-all": "yes"}
        client.ask(Call("POST", LARGE, f"?uploadId={upload}", None, every))
        got, checksum = 0, 0
        with client.ask(Call("GET", LARGE, body=None), stream=True) as answer:
            for piece in answer.iter_content(MIB):
                got += len(piece)
                checksum = crc64.xz(piece, checksum)
        assert (got, str(checksum)) == (size, answer.headers["x-oss-hash-crc64ecma"])
        assert len(list((data / "bodies").iterdir())) == 1
        return peak_memory(process)


@pytest.mark.parametrize(
    ("part", "parts"),
    [
        (8 * MIB, 3),
        pytest.param(512 * MIB, 10, marks=[pytest.mark.soak, pytest.mark.timeout(3000)]),
    ],
    ids=["small", "full"],
)
def test_an_object_larger_than_memory(
    part: int, parts: int, capsys: pytest.CaptureFixture[str]
) -> None:
    peak = move(part, parts)
    with capsys.disabled():
        print(f"\n{part * parts / MIB:.0f} MiB in {parts} parts: peak {peak / MIB:.0f} MiB")
    assert peak < MAX_MEMORY


def key_of(number: int) -> str:
    return f"users/alice/{number:07}"


def fill(data: Path, keys: int) -> None:
    """Write keys into the index of a data folder. They have no bodies: no listing reads one."""
    data.mkdir()
    index = Index(data / "index.sqlite", durable=False)
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        with index.transaction():
            index.buckets.put(Bucket(BUCKET, now))
            for number in range(keys):
                index.put(BUCKET, Record(key_of(number), "", NO_BODY, now, {}))
    finally:
        index.close()


def work(index: Index, scan: str, behind: str, limit: int) -> int:
    """Count the steps that SQLite takes for one page."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    index._db.set_progress_handler(step, 1)
    page = gather(
        partial(getattr(index, scan), BUCKET), prefix="", delimiter="", marker=behind, limit=limit
    )
    index._db.set_progress_handler(None, 1)
    assert len(page.records) == limit
    return steps


def check_work(data: Path, keys: int) -> None:
    """Hold that a page costs what it holds, and not what lies before or behind it."""
    index = Index(data / "index.sqlite", durable=False)
    try:
        for scan in ("scan", "scan_versions"):
            places = [0, keys // 2, keys - 1100]
            short = [work(index, scan, key_of(place), 100) for place in places]
            long = [work(index, scan, key_of(place), 1000) for place in places]
            assert max(short) <= 1.1 * min(short), scan
            assert max(long) <= 1.1 * min(long), scan
            assert 8 * min(short) < max(long) < 11 * min(short), scan
    finally:
        index.close()


def test_a_page_costs_what_it_holds() -> None:
    with folder(64 * MIB) as data:
        fill(data, 3000)
        check_work(data, 3000)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_bucket_of_very_many_keys(capsys: pytest.CaptureFixture[str]) -> None:
    keys = 100_000
    with folder(1024 * MIB) as data:
        fill(data, keys)
        check_work(data, keys)
        with child(data) as (sandbox, process), requests.Session() as session:
            client = Client(sandbox, session)
            found, behind = 0, ""
            while page := client.page(behind, 1000):
                assert all(first < second for first, second in pairwise([behind, *page]))
                found, behind = found + len(page), page[-1]
            assert found == keys
            # In turns, the best of many each: whatever else the machine does befalls both.
            best = {key_of(0): float(SECONDS), key_of(keys - 101): float(SECONDS)}
            for _ in range(30):
                for place, so_far in best.items():
                    began = time.perf_counter()
                    assert len(client.page(place, 100)) == 100
                    best[place] = min(so_far, time.perf_counter() - began)
            peak = peak_memory(process)
    start, end = best.values()
    with capsys.disabled():
        print(
            f"\n{keys} keys: a last page takes {end / start:.2f} of a first, {peak / MIB:.0f} MiB"
        )
    assert 1 / 2 < end / start < 2
    assert peak < MAX_MEMORY
