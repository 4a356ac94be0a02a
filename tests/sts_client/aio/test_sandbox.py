"""Asyncio against the sandbox: signatures, faults and transfers as OSS would have them."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sts_client import Folder, NotModified, TransferSettings, errors
from sts_client.aio import AsyncProvider
from sts_client.objects import check_key
from sts_server.sandbox import Sandbox
from tests.sts_client.aio.loop import in_loop, opened, worst_lag
from tests.sts_client.whole import open_uploads

MIB = 1024 * 1024
KEYS = [
    "a%2Fb",
    "a/../b",
    "..",
    "./x",
    "a//b",
    "é ü/漢字🎉",
    "a+b",
    "a?b=c&d#e",
    "%",
    "a\tb\x01",
    "~-_.",
    "a;b:c@d",
]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.reset()
    yield running
    running.clear_faults()


async def no_thread_is_left() -> None:
    """See that all have ended, or are about to: each said so with its last breath."""
    for _ in range(100):
        if not any(thread.name == "sts-client-aio" for thread in threading.enumerate()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a thread goes on")


@in_loop
async def test_keys_are_signed_as_they_are_sent(sandbox: Sandbox) -> None:
    async with opened(sandbox) as bucket:
        for key in KEYS:
            await bucket.put(check_key(key), key.encode())
        for key in KEYS:
            assert await (await bucket.get(key)).read() == key.encode()
            assert (await bucket.copy(key, f"copies/{key}")).etag
        assert {entry.key async for entry in bucket.list("")} == {  # type: ignore[union-attr]
            *KEYS,
            *(f"copies/{key}" for key in KEYS),
        }
        assert await bucket.delete_many(KEYS) == len(KEYS)
        assert [entry async for entry in bucket.list("", delimiter="/")] == [Folder("copies/")]


@in_loop
async def test_conditions(sandbox: Sandbox) -> None:
    async with opened(sandbox) as bucket:
        etag = (await bucket.put("k", b"one", forbid_overwrite=True)).etag
        assert isinstance(await bucket.get("k", if_none_match=etag), NotModified)
        assert isinstance(await bucket.head("k", if_none_match=etag), NotModified)
        with pytest.raises(errors.PreconditionFailed):
            await bucket.get("k", if_match='"other"')
        with pytest.raises(errors.FileAlreadyExists):
            await bucket.put("k", b"two", forbid_overwrite=True)
        with pytest.raises(errors.UsageError, match="OSS knows no if_match"):
            await bucket.put("k", b"two", if_match=etag)  # type: ignore[arg-type]
        with pytest.raises(errors.PositionNotEqualToLength):
            await bucket.append("a", b"x", position=5)
        assert not await bucket.exists("nothing")
        await bucket.set_tags("k", {"a": "b"})
        assert await bucket.tags("k") == {"a": "b"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"cut": "before"}, None),
        ({"cut": "after"}, None),
        ({"status": 503, "code": "ServiceUnavailable"}, None),
        ({"truncate": 5}, errors.TruncatedBody),
        ({"corrupt": "answer"}, errors.ChecksumMismatch),
        ({"wrong_crc": True}, errors.ChecksumMismatch),
    ],
)
@in_loop
async def test_trouble_with_a_read(
    sandbox: Sandbox, fault: dict[str, Any], kind: type[Exception] | None
) -> None:
    body = os.urandom(300_000)
    async with opened(sandbox) as bucket:
        await bucket.put("k", body)
        sandbox.fault(operation="GetObject", nth=1, **fault)
        if kind is None:
            assert await (await bucket.get("k")).read() == body
        else:
            with pytest.raises(kind):
                await (await bucket.get("k")).read()
        sandbox.clear_faults()
        assert await (await bucket.get("k")).read() == body


@in_loop
async def test_a_put_that_is_answered_by_nobody_is_said_again(sandbox: Sandbox) -> None:
    async with opened(sandbox) as bucket:
        sandbox.fault(operation="PutObject", nth=1, cut="after")
        await bucket.put("k", b"abc")
        assert await (await bucket.get("k")).read() == b"abc"
        sandbox.fault(operation="PutObject", nth=1, cut="before")
        with pytest.raises(errors.ConnectFailed):
            await bucket.put("new", b"abc", forbid_overwrite=True)


@in_loop
async def test_a_lease_that_oss_ends_is_replaced(sandbox: Sandbox) -> None:
    async with opened(sandbox) as bucket:
        await bucket.put("k", b"abc")
        first = await bucket.provider.lease()
        sandbox.expire()
        found = await asyncio.gather(*(bucket.get("k") for _ in range(20)))
        assert [await each.read() for each in found] == [b"abc"] * 20
        assert await bucket.provider.lease() is not first


@in_loop
async def test_files_go_up_and_down_beside_the_loop(sandbox: Sandbox, tmp_path: Path) -> None:
    async def work() -> None:
        await bucket.upload(path, "big", settings=settings)
        assert (await bucket.download("big", tmp_path / "back", settings=settings)).transferred

    path = tmp_path / "file"
    path.write_bytes(os.urandom(3 * MIB))
    settings = TransferSettings(part_size=MIB)
    async with opened(sandbox) as bucket:
        await bucket.provider.lease()
        sandbox.fault(operation="UploadPart", nth=2, status=500, code="InternalError")
        sandbox.fault(operation="GetObject", nth=2, latency=1.0)
        assert await worst_lag(work()) < 0.5
        assert (tmp_path / "back").read_bytes() == path.read_bytes()
        assert not (await bucket.download("big", tmp_path / "back")).transferred
        with pytest.raises(errors.NoSuchKey):
            await bucket.download("nothing", tmp_path / "nothing")
    assert open_uploads(sandbox) == 0


@pytest.mark.parametrize("when", ["first part", "later"])
@in_loop
async def test_a_cancelled_upload_stops_and_leaves_nothing(
    sandbox: Sandbox, tmp_path: Path, when: str
) -> None:
    def on_progress(count: int) -> None:
        if count >= MIB or when == "first part":
            loop.call_soon_threadsafe(under_way.set)

    path = tmp_path / "file"
    path.write_bytes(os.urandom(20 * MIB))
    loop, under_way = asyncio.get_running_loop(), asyncio.Event()
    settings = TransferSettings(part_size=MIB, threads=2, on_progress=on_progress)
    async with opened(sandbox) as bucket:
        sandbox.fault(operation="UploadPart", latency=0.05)
        transfer = asyncio.create_task(bucket.upload(path, "big", settings=settings))
        await under_way.wait()
        transfer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await transfer
        assert not await bucket.exists("big")
    assert open_uploads(sandbox) == 0
    assert sum(seen["operation"] == "UploadPart" for seen in sandbox.requests()) < 10
    await no_thread_is_left()


@in_loop
async def test_a_cancelled_download_stops_and_no_file_appears(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async with opened(sandbox) as bucket:
        await bucket.put("big", os.urandom(5 * MIB))
        sandbox.fault(operation="GetObject", latency=0.1)
        settings = TransferSettings(part_size=MIB, threads=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                bucket.download("big", tmp_path / "big", settings=settings), 0.25
            )
    assert not (tmp_path / "big").exists()
    await no_thread_is_left()


def test_a_loop_that_ends_stops_its_transfers(sandbox: Sandbox, tmp_path: Path) -> None:
    async def leave() -> AsyncProvider:
        async with opened(sandbox) as bucket:
            await bucket.provider.lease()
            task = asyncio.create_task(
                bucket.upload(path, "big", settings=TransferSettings(part_size=MIB, threads=1))
            )
            await asyncio.sleep(0.2)
            assert not task.done()
            return bucket.provider

    path = tmp_path / "file"
    path.write_bytes(os.urandom(20 * MIB))
    sandbox.fault(operation="UploadPart", latency=0.05)
    asyncio.run(leave())
    assert open_uploads(sandbox) == 0
