"""The store: whole objects or none, one winner, no leftovers."""

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import AlreadyExistsError, DiskFullError, SettingError
from sts_server.sandbox.store.body import CreateFile, create_file
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.record import Digest, Record
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.store.upload import Upload

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
Scene = Callable[[Store], Coroutine[None, None, None]]


@contextmanager
def opened(folder: Path, create: CreateFile = create_file) -> Iterator[Store]:
    store = Store(folder, Clock(real=lambda: NOW), create=create)
    store.add_bucket("bkt")
    try:
        yield store
    finally:
        store.close()


def play(folder: Path, scene: Scene, create: CreateFile = create_file) -> None:
    with opened(folder, create) as store:
        asyncio.run(scene(store))


def bodies(folder: Path) -> list[Path]:
    return list((folder / "bodies").iterdir())


async def put(store: Store, key: str, body: bytes, *, forbid: bool = False) -> Record:
    async with store.receive() as upload:
        await upload.write(body)
        return await commit(store, upload, key, forbid=forbid)


async def commit(
    store: Store,
    upload: Upload,
    key: str,
    headers: Mapping[str, str] | None = None,
    *,
    forbid: bool = False,
    digest: Digest | None = None,
) -> Record:
    record = Record(key, "", digest or await upload.finish(), store.timestamp(), headers or {})
    return await store.commit("bkt", upload, record, forbid_overwrite=forbid)


async def get(store: Store, key: str) -> bytes | None:
    found = await store.open("bkt", key)
    if found is None:
        return None
    with found[1] as file:
        return file.read()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        async with store.receive() as upload:
            await upload.write(b"1234")
            await upload.write(b"56789")
            headers = {"x-oss-meta-odd": "\udcff"}
            await commit(store, upload, "a\x00中", headers)
        found = await store.open("bkt", "a\x00中")
        assert found is not None
        record, file = found
        assert file.read() == b"123456789"
        file.close()
        assert record.digest.crc64 == 11051210869376104954
        assert record.digest.size == 9
        digest = hashlib.md5(b"123456789", usedforsecurity=False)
        assert record.etag == digest.hexdigest().upper()
        assert record.modified == NOW
        assert record.headers == headers

    play(tmp_path, scene)


def test_objects_survive_a_restart_and_strays_do_not(tmp_path: Path) -> None:
    async def before(store: Store) -> None:
        await put(store, "kept", b"x")

    async def after(store: Store) -> None:
        assert await get(store, "kept") == b"x"

    play(tmp_path, before)
    (tmp_path / "bodies" / "stray").write_bytes(b"half an upload")
    play(tmp_path, after)
    assert len(bodies(tmp_path)) == 1


def test_an_overwritten_or_deleted_file_is_removed(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        await put(store, "a", b"first")
        await put(store, "a", b"second")
        assert await get(store, "a") == b"second"
        assert len(bodies(tmp_path)) == 1
        await store.delete("bkt", "a")
        await store.delete("bkt", "a")
        assert await get(store, "a") is None
        assert bodies(tmp_path) == []

    play(tmp_path, scene)


@pytest.mark.parametrize("change", ["overwrite", "delete"])
def test_a_reader_keeps_what_it_began_with(tmp_path: Path, change: str) -> None:
    async def scene(store: Store) -> None:
        await put(store, "a", b"old bytes")
        found = await store.open("bkt", "a")
        assert found is not None
        if change == "overwrite":
            await put(store, "a", b"new")
        else:
            await store.delete("bkt", "a")
        with found[1] as file:
            assert file.read() == b"old bytes"

    play(tmp_path, scene)


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


def test_of_many_writers_that_forbid_overwriting_one_wins(tmp_path: Path) -> None:
    @asynccontextmanager
    async def written(store: Store, body: bytes) -> AsyncIterator[Upload]:
        async with store.receive() as upload:
            await upload.write(body)
            yield upload

    async def scene(store: Store) -> None:
        barrier = asyncio.Barrier(32)

        async def compete(number: int) -> int | None:
            body = str(number).encode()
            try:
                async with written(store, body) as upload:
                    digest = await upload.finish()
                    await barrier.wait()
                    await commit(store, upload, "a", forbid=True, digest=digest)
            except AlreadyExistsError:
                return None
            return number

        winners = [n for n in await asyncio.gather(*map(compete, range(32))) if n is not None]
        assert len(winners) == 1
        assert await get(store, "a") == str(winners[0]).encode()
        assert len(bodies(tmp_path)) == 1

    play(tmp_path, scene)


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(SettingError, match="another sandbox"):
        Store(tmp_path, Clock())


def test_clearing_takes_all_objects_but_no_body_that_is_arriving(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        await put(store, "old", b"1")
        async with store.receive() as upload:
            await upload.write(b"2")
            await store.set_bucket("bkt", lambda old: replace(old, acl="public-read"))
            await store.set_bucket("made", lambda new: new)
            await store.clear([Bucket("bkt", NOW)])
            await commit(store, upload, "new", forbid=True)
        bucket = store.bucket("bkt")
        assert bucket is not None
        assert bucket.acl == "private"
        assert not store.has_bucket("made")
        assert await get(store, "old") is None
        assert await get(store, "new") == b"2"
        assert len(bodies(tmp_path)) == 1

    play(tmp_path, scene)
