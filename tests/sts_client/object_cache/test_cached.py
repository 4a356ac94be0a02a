"""The conditional cache against the sandbox: bytes from the disk, and only after a 304."""

import json
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sts_client import Bucket, CachedObject, CachedObjects, Object, TransferSettings, errors
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import opened, told

PART = 128 * 1024
SETTINGS = TransferSettings(part_size=PART, wait=lambda _: None)
SIZES = [0, 1, 64 * 1024, PART, 3 * PART + 7, 9 * PART]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    sandbox.reset()
    with opened(sandbox) as bucket:
        yield bucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


@pytest.fixture
def cache(bucket: Bucket, folder: Path) -> CachedObjects:
    return bucket.cached(folder, settings=SETTINGS)


def get(cache: CachedObjects, key: str) -> CachedObject:
    found = cache.get(key)
    assert isinstance(found, CachedObject)
    return found


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.object"), key=lambda path: path.stat().st_size)


def statuses(sandbox: Sandbox) -> list[int]:
    return [int(it["status"]) for it in sandbox.requests() if it["operation"] == "GetObject"]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_kept_is_read_after_a_304(
    bucket: Bucket, cache: CachedObjects, folder: Path, sandbox: Sandbox, size: int
) -> None:
    data = os.urandom(size)
    bucket.put("k.csv", data, metadata={"by": "alice"})
    first = get(cache, "k.csv")
    assert first.came
    assert first.read() == data
    sandbox.clear_requests()
    again = get(cache, "k.csv")
    assert not again.came
    assert statuses(sandbox) == [304]
    assert b"".join(again) == data
    assert again.read() == b""
    assert (again.key, again.size, again.etag) == ("k.csv", size, first.etag)
    assert (again.content_type, again.metadata) == ("text/csv", {"by": "alice"})
    assert again.last_modified == first.last_modified == bucket.head("k.csv").last_modified
    assert len(kept(folder)) == 1
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_it_is_for_its_owner_alone(bucket: Bucket, cache: CachedObjects, folder: Path) -> None:
    bucket.put("k", b"data")
    cache.get("k")
    bucket.put("big", b"x" * 5 * PART)
    get(cache, "big").close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept(folder)} == {0o600}
    kept(folder)[0].chmod(0o644)
    with pytest.raises(errors.UsageError, match="open to others"):
        cache.get("k")
    kept(folder)[0].unlink()
    folder.chmod(0o750)
    with pytest.raises(errors.UsageError, match="open to others"):
        bucket.cached(folder)


def test_a_link_is_nothing_kept(bucket: Bucket, cache: CachedObjects, folder: Path) -> None:
    bucket.put("k", b"data")
    cache.get("k")
    (path,) = kept(folder)
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    with pytest.raises(errors.UsageError, match="cannot be used"):
        cache.get("k")


def test_a_new_version_takes_the_place_of_the_old(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    bucket.put("k", b"x" * 4 * PART)
    old = get(cache, "k")
    bucket.put("k", b"new")
    assert get(cache, "k").read() == b"new"
    assert len(kept(folder)) == 1
    assert old.read() == b"x" * 4 * PART  # whoever reads one keeps it


def test_nothing_is_read_that_oss_was_not_asked_about(
    bucket: Bucket, cache: CachedObjects, folder: Path, sandbox: Sandbox
) -> None:
    bucket.put("k", b"data")
    cache.get("k")
    sandbox.fault(operation="GetObject", status=403, code="AccessDenied")
    try:
        with pytest.raises(errors.AccessDenied):
            cache.get("k")
    finally:
        sandbox.clear_faults()
    assert not get(cache, "k").came
    bucket.delete("k")
    with pytest.raises(errors.NoSuchKey):
        cache.get("k")
    assert kept(folder) == []


def test_whoever_may_not_read_it_does_not_read_it_here(
    bucket: Bucket, cache: CachedObjects, folder: Path, sandbox: Sandbox
) -> None:
    bucket.put("alice/k", b"hers")
    cache.get("alice/k")
    statement = {
        "Effect": "Allow",
        "Action": "oss:GetObject",
        "Resource": f"acs:oss:*:*:{sandbox.bucket}/bob/*",
    }
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    with opened(sandbox, policy) as bobs, pytest.raises(errors.AccessDenied):
        bobs.cached(folder).get("alice/k")
    assert not get(cache, "alice/k").came


@pytest.mark.parametrize("size", [1, 100, 5 * PART])
@pytest.mark.parametrize("place", [0, 0.5, 1, -1, -10, -20])
def test_a_damaged_byte_is_noticed(
    bucket: Bucket, cache: CachedObjects, folder: Path, size: int, place: float
) -> None:
    data = os.urandom(size)
    bucket.put("k", data)
    get(cache, "k").close()
    (path,) = kept(folder)
    bytes_ = bytearray(path.read_bytes())
    at = int(place) if place < 0 else int(place * (size - 1))
    bytes_[at] ^= 1
    path.write_bytes(bytes_)
    found = get(cache, "k")
    assert found.came
    assert found.read() == data
    with get(cache, "k") as found:
        assert not found.came


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\0" * 16, b"oss1" + b"\xff" * 12, b"x" * 300_000], ids=len
)
def test_what_is_no_kept_object_is_replaced(
    bucket: Bucket, cache: CachedObjects, folder: Path, content: bytes
) -> None:
    bucket.put("k", b"data")
    cache.get("k")
    (path,) = kept(folder)
    path.write_bytes(content)
    assert get(cache, "k").read() == b"data"
    path.write_bytes(path.read_bytes()[:-1])
    assert get(cache, "k").read() == b"data"


def test_an_object_of_another_name_is_not_taken_for_it(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    bucket.put("a", b"one")
    bucket.put("b", b"three")
    for key in ("a", "b"):
        cache.get(key)
    a, b = kept(folder)
    a.write_bytes(b.read_bytes())
    assert get(cache, "a").read() == b"one"


def test_what_was_used_longest_ago_goes_first(bucket: Bucket, folder: Path) -> None:
    size = 10_000
    cache = bucket.cached(folder, max_bytes=4 * size)
    for number, key in enumerate("abc"):
        bucket.put(key, key.encode() * size)
        cache.get(key)
        newest = max(kept(folder), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, ns=(number, number))
    assert not get(cache, "a").came
    for key in "de":
        bucket.put(key, key.encode() * size)
        cache.get(key)
    assert sum(path.stat().st_size for path in kept(folder)) <= 4 * size
    assert not get(cache, "a").came
    assert not get(cache, "e").came
    assert get(cache, "b").came


def test_what_is_larger_than_the_cache_is_read_as_it_comes(bucket: Bucket, folder: Path) -> None:
    cache = bucket.cached(folder, max_bytes=PART)
    bucket.put("k", b"x" * 2 * PART)
    found = cache.get("k")
    assert isinstance(found, Object)
    assert found.read() == b"x" * 2 * PART
    assert kept(folder) == []
    with pytest.raises(errors.UsageError, match="max_bytes"):
        bucket.cached(folder, max_bytes=0)


def test_what_goes_while_oss_is_asked_can_still_be_read(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    bucket.put("k", b"x" * 4 * PART)
    get(cache, "k").close()
    found = get(cache, "k")
    kept(folder)[0].unlink()
    assert found.read() == b"x" * 4 * PART


FAULTS: list[dict[str, Any]] = [
    {"cut": "before"},
    {"cut": "inside"},
    {"truncate": 100},
    {"corrupt": "answer"},
    {"status": 500, "code": "InternalError"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("size", [1000, PART, 5 * PART])
def test_trouble_gives_no_wrong_byte(
    bucket: Bucket,
    cache: CachedObjects,
    folder: Path,
    sandbox: Sandbox,
    fault: dict[str, Any],
    size: int,
) -> None:
    data = os.urandom(size)
    bucket.put("k", data)
    sandbox.fault(operation="GetObject", nth=1, **fault)
    assert get(cache, "k").read() == data
    sandbox.clear_faults()
    bucket.put("k", data[::-1])
    sandbox.fault(operation="GetObject", **fault)
    try:
        with pytest.raises(errors.StsClientError):
            cache.get("k")
    finally:
        sandbox.clear_faults()
    assert get(cache, "k").read() == data[::-1]
    assert len(list(folder.iterdir())) == 1


def test_a_disk_without_room_costs_a_request_only(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    bucket.put("k", b"data")
    folder.rmdir()
    found = cache.get("k")
    assert isinstance(found, Object)
    assert found.read() == b"data"


def test_what_somebody_gave_up_long_ago_is_swept(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    (folder / ".0123456789abcdef.new").mkdir()
    (folder / ".new.new").mkdir()
    os.utime(folder / ".0123456789abcdef.new", (1, 1))
    bucket.put("k", b"data")
    cache.get("k")
    assert [path.name for path in folder.glob(".*")] == [".new.new"]


def test_nothing_of_anybody_elses_is_removed(
    bucket: Bucket, cache: CachedObjects, folder: Path
) -> None:
    for name in (".ssh", ".config.new", ".0123456789abcdef"):
        (folder / name).mkdir()
        os.utime(folder / name, (1, 1))
    (folder / "mine.object").write_bytes(bytes(1_000_000))
    os.utime(folder / "mine.object", (1, 1))
    for number in range(20):
        bucket.put("k", bytes([number]) * 60_000)
        cache.get("k")
    assert {".ssh", ".config.new", ".0123456789abcdef", "mine.object"} <= {
        path.name for path in folder.iterdir()
    }


def test_it_reads_like_a_file(bucket: Bucket, cache: CachedObjects) -> None:
    for size in (1000, 5 * PART):
        data = os.urandom(size)
        bucket.put("k", data)
        with get(cache, "k") as found:
            assert found.read(10) == data[:10]
            assert found.read(0) == b""
            assert found.read(None) == data[10:]
            assert found.read() == b""
        with get(cache, "k") as found:
            assert found.read(1) == data[:1]
        with pytest.raises(errors.UsageError, match="closed"):
            found.read()
    assert "x" not in repr(found).partition("Head")[0]


def test_it_can_be_sent_to_another_process(bucket: Bucket, cache: CachedObjects) -> None:
    bucket.put("k", b"data")
    cache = bucket.cached(cache._folder)
    copy = pickle.loads(pickle.dumps(cache))  # noqa: S301 - made one line above
    assert copy.get("k").read() == b"data"


PROGRAM = """
import json, sys
from tests.sts_client.whole import opened_at
with opened_at(json.loads(sys.argv[1])) as bucket:
    cache = bucket.cached(sys.argv[2], max_bytes=60_000)
    for number in range(100):
        key = str(number * 7 % 10)
        data = cache.get(key).read()
        assert data == key.encode() * 10_000, (key, len(data))
"""


def test_processes_share_a_folder(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    for number in range(10):
        bucket.put(str(number), str(number).encode() * 10_000)
    arguments = [json.dumps(told(sandbox)), str(folder)]
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
    assert sum(path.stat().st_size for path in kept(folder)) <= 60_000
    assert len(list(folder.iterdir())) == len(kept(folder))
