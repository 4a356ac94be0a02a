"""The data folder: one owner, one version, and what outlives a restart."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.store.bodies import Bodies
from sts_server.sandbox.store.bucket import Bucket, Cors, CorsRule
from sts_server.sandbox.store.store import Store

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = Store(folder, Clock(real=lambda: NOW))
    try:
        yield store
    finally:
        store.close()


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(SettingError, match="another sandbox"):
        Store(tmp_path, Clock())


@pytest.mark.parametrize("spoil", ["PRAGMA user_version = 1", "PRAGMA user_version = 99"])
def test_a_folder_of_another_version_is_refused(tmp_path: Path, spoil: str) -> None:
    with opened(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as db:
        db.execute(spoil)
    for _ in range(2):
        with pytest.raises(SettingError, match="another version"):
            Store(tmp_path, Clock())


def test_an_index_without_a_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as db:
        db.execute("CREATE TABLE object (key BLOB)")
    with pytest.raises(SettingError, match="another version"):
        Store(tmp_path, Clock())


def test_where_links_are_unknown_a_copy_is_made(tmp_path: Path) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    bodies = Bodies(tmp_path, durable=False, link=unknown)
    bodies.path("first").write_bytes(b"bytes")
    assert bodies.path(bodies.duplicate("first")).read_bytes() == b"bytes"


def test_buckets_survive_a_restart(tmp_path: Path) -> None:
    cors = Cors((CorsRule(("*",), ("GET",), ("x-*",), ("ETag",), 5),), vary=True)

    async def scene(store: Store) -> None:
        await store.set_bucket(
            "new",
            lambda old: replace(old, acl="public-read", cors=cors, versioning="Enabled"),
            make=True,
        )
        assert await store.remove_bucket("bkt")
        await store.set_bucket("bkt", lambda old: replace(old, acl="public-read"))
        assert not store.has_bucket("bkt")

    with opened(tmp_path) as store:
        store.add_bucket("bkt")
        asyncio.run(scene(store))
    with opened(tmp_path) as store:
        bucket = store.bucket("new")
        assert bucket == Bucket("new", NOW, "public-read", "Enabled", cors)
