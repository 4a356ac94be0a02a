"""The store when a write is cut short: all of it or nothing, and no leftovers."""

import asyncio
import errno
import os
import threading
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from sts_server.sandbox.errors import DiskFullError
from sts_server.sandbox.store.store import Store
from tests.sts_server.sandbox.store_house import bodies, commit, get, opened, play, put


class CutError(Exception):
    """Stands for whatever ends a request in the middle of its body."""


def test_a_cut_body_leaves_nothing(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        async def cut() -> None:
            async with store.receive() as upload:
                await upload.write(b"half")
                raise CutError

        with pytest.raises(CutError):
            await cut()
        assert await get(store, "a") is None
        assert bodies(tmp_path) == []

    play(tmp_path, scene)


def test_a_cancelled_write_leaves_nothing(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        begun = asyncio.Event()

        async def write() -> None:
            async with store.receive() as upload:
                await upload.write(b"half")
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bodies(tmp_path) == []

    play(tmp_path, scene)


def test_a_cancelled_commit_is_all_or_nothing(tmp_path: Path) -> None:
    """Cancelled at any moment, an object and its file are both there or both absent."""

    async def scene(store: Store) -> None:
        for turns in range(40):
            task = asyncio.create_task(put(store, "a", b"whole"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            body = await get(store, "a")
            assert body in (None, b"whole")
            await store.delete("bkt", "a")

    play(tmp_path, scene)
    with opened(tmp_path):
        assert bodies(tmp_path) == []


def test_a_commit_under_way_is_not_undone_by_its_cancellation(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        gate, finished = threading.Event(), asyncio.Event()

        async def write() -> None:
            async with store.receive() as upload:
                await upload.write(b"whole")
                digest = await upload.finish()
                finished.set()
                await commit(store, upload, "a", digest=digest)

        blocked = asyncio.create_task(store.query(lambda _: gate.wait()))
        task = asyncio.create_task(write())
        await finished.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(blocked, task, return_exceptions=True)
        assert task.cancelled()
        assert await get(store, "a") == b"whole"

    play(tmp_path, scene)


class FullDisk(FileIO):
    """A file on a disk that takes four bytes and no more."""

    def write(self, data: object) -> int:
        if self.tell() >= 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(memoryview(cast("bytes", data))[:4])


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    def create(path: Path) -> BinaryIO:
        return cast("BinaryIO", FullDisk(path, "xb"))

    async def scene(store: Store) -> None:
        assert (await put(store, "small", b"1234")).digest.size == 4
        with pytest.raises(DiskFullError):
            await put(store, "large", b"12345")
        assert await get(store, "large") is None
        assert len(bodies(tmp_path)) == 1

    play(tmp_path, scene, create)


def test_a_disk_without_room_for_a_name(tmp_path: Path) -> None:
    def create(_path: Path) -> BinaryIO:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def scene(store: Store) -> None:
        with pytest.raises(DiskFullError):
            await put(store, "a", b"x")

    play(tmp_path, scene, create)
