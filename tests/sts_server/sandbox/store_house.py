"""A store opened for one scene, and what scenes do with it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.store.body import CreateFile, create_file
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
