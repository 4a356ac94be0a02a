"""The index: which objects exist. SQLite; every call belongs to the one thread that owns it."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sts_server.sandbox.store.record import Digest, Record

SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS object (
    bucket TEXT NOT NULL REFERENCES bucket (name),
    key BLOB NOT NULL, -- UTF-8, so that order is byte order, as OSS lists
    file TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    crc64 TEXT NOT NULL, -- unsigned 64 bit does not fit an SQLite integer
    modified INTEGER NOT NULL, -- seconds since the epoch, virtual time
    headers TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
"""
COLUMNS = "key, file, size, md5, crc64, modified, headers"


class Index:
    """The table of objects in one SQLite file.

    Args:
        path: The database file; made when missing.
        durable: Whether a committed write must survive a power cut.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def add_bucket(self, name: str, created: datetime) -> None:
        """Make a bucket; one that exists stays as it is."""
        self._db.execute(
            "INSERT INTO bucket VALUES (?, ?) ON CONFLICT DO NOTHING",
            (name, int(created.timestamp())),
        )

    def buckets(self) -> list[str]:
        """Name all buckets."""
        return [name for (name,) in self._db.execute("SELECT name FROM bucket")]

    def find(self, bucket: str, key: str) -> Record | None:
        """Look up one object."""
        row = self._db.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ? AND key = ?",  # noqa: S608 - a constant
            (bucket, key.encode()),
        ).fetchone()
        return None if row is None else _record(row)

    def put(self, bucket: str, record: Record) -> None:
        """Write one object in one transaction, in place of what had its key."""
        digest = record.digest
        self._db.execute(
            "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                bucket,
                record.key.encode(),
                record.file,
                digest.size,
                digest.md5,
                str(digest.crc64),
                int(record.modified.timestamp()),
                json.dumps(dict(record.headers)),
            ),
        )

    def delete(self, bucket: str, key: str) -> None:
        """Remove one object; a missing one is no error."""
        self._db.execute("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, key.encode()))

    def scan(self, bucket: str, start: bytes, *, after: bool) -> Iterator[Record]:
        """Walk a bucket in key order.

        Args:
            bucket: The bucket.
            start: Where to begin, as UTF-8 bytes.
            after: Whether `start` itself is left out.
        """
        relation = ">" if after else ">="
        for row in self._db.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ? AND key {relation} ? ORDER BY key",  # noqa: S608 - constants
            (bucket, start),
        ):
            yield _record(row)

    def names(self, file: str) -> bool:
        """Say whether an object lives in a file."""
        found = self._db.execute("SELECT 1 FROM object WHERE file = ?", (file,)).fetchone()
        return found is not None

    def files(self) -> set[str]:
        """Name every file that an object lives in."""
        return {name for (name,) in self._db.execute("SELECT file FROM object")}


def _record(row: tuple[bytes, str, int, bytes, str, int, str]) -> Record:
    key, file, size, md5, crc64, modified, headers = row
    return Record(
        key=key.decode(),
        file=file,
        digest=Digest(size, md5, int(crc64)),
        modified=datetime.fromtimestamp(modified, UTC),
        headers=json.loads(headers),
    )
