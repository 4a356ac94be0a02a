"""The store: whole objects or none, one winner, no leftovers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import AlreadyExistsError, SettingError
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.store.upload import Upload
from tests.sts_server.sandbox.store_house import NOW, bodies, commit, get, opened, play, put


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
