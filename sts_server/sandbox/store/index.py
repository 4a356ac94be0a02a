"""The index: which objects exist. SQLite; every call belongs to the one thread that owns it."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.buckets import BucketTable
from sts_server.sandbox.store.record import NO_BODY, NULL_VERSION, Digest, Kind, Record
from sts_server.sandbox.store.schema import prepare
from sts_server.sandbox.store.uploads import UploadTable

COLUMNS = "key, version, latest, marker, file, size, md5, crc64, modified, facts"
Row = tuple[bytes, str, int, int, str | None, int, bytes, str, int, str]
SHOWN = "latest = 1 AND marker = 0"


def new_version() -> str:
    """Make a version id."""
    return f"CAEQ{secrets.token_hex(16)}"


class Index:
    """All buckets, objects and uploads in one SQLite file.

    Writing calls that displace a body name its file, for the caller to remove behind the
    transaction.

    Args:
        path: The database file; made when missing.
        durable: Whether a committed write must survive a power cut.
        version: Gives the ids of new versions.

    Raises:
        SettingError: The database was made by another version of the sandbox.
    """

    def __init__(
        self, path: Path, *, durable: bool, version: Callable[[], str] = new_version
    ) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._version = version
        try:
            prepare(self._db)
        except BaseException:
            self._db.close()
            raise
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        self._db.execute("PRAGMA foreign_keys = ON")
        self.buckets = BucketTable(self._db)
        self.uploads = UploadTable(self._db)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all that is written inside count together, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def find(self, bucket: str, key: str, version: str = "") -> Record | None:
        """Look up one object.

        Args:
            bucket: The bucket.
            key: The decoded object name.
            version: A version id, or nothing for the latest, which is none behind a delete marker.
        """
        found = self.find_any(bucket, key, version)
        return None if found is None or (found.marker and not version) else found

    def find_any(self, bucket: str, key: str, version: str = "") -> Record | None:
        """Look up one version of an object, a delete marker too."""
        chosen = "version = ?" if version else "latest = 1"
        row = self._db.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ? AND key = ? AND {chosen}",  # noqa: S608 - constants
            (bucket, key.encode(), *([version] if version else [])),
        ).fetchone()
        return None if row is None else _record(row)

    def put(self, bucket: str, record: Record) -> tuple[Record, list[str]]:
        """Write an object as the latest version of its key.

        Without versioning, and while it is suspended, it takes the place of version `null`.

        Returns:
            The record with its version id, and the files that lost theirs.
        """
        version = self._version() if self._versioning(bucket) == "Enabled" else NULL_VERSION
        written = replace(record, version=version, latest=True)
        gone = self._remove(bucket, record.key, version)
        self._db.execute(
            "UPDATE object SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1",
            (bucket, record.key.encode()),
        )
        self._db.execute(
            "INSERT INTO object (bucket, key, version, latest, marker, file, size, md5, crc64,"
            " modified, facts) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
            (bucket, record.key.encode(), version, record.marker, *_values(record)),
        )
        return written, gone

    def update(self, bucket: str, record: Record) -> None:
        """Change what is said of an existing version."""
        self._db.execute(
            "UPDATE object SET file = ?, size = ?, md5 = ?, crc64 = ?, modified = ?, facts = ?"
            " WHERE bucket = ? AND key = ? AND version = ?",
            (*_values(record), bucket, record.key.encode(), record.version),
        )

    def delete(
        self, bucket: str, key: str, version: str, now: datetime
    ) -> tuple[Record | None, list[str]]:
        """Remove an object or one of its versions; a missing one is no error.

        Args:
            bucket: The bucket.
            key: The decoded object name.
            version: A version id; without one a bucket with versioning gets a delete marker.
            now: When the marker was made.

        Returns:
            The marker that was made, or the version that was removed; and the files it leaves.
        """
        if not version and self._versioning(bucket):
            return self.put(bucket, Record(key, "", NO_BODY, now, {}, marker=True))
        version = version or NULL_VERSION
        old = self.find_any(bucket, key, version)
        gone = self._remove(bucket, key, version)
        if old is not None and old.latest:
            self._db.execute(
                "UPDATE object SET latest = 1 WHERE number ="
                " (SELECT max(number) FROM object WHERE bucket = ? AND key = ?)",
                (bucket, key.encode()),
            )
        return old, gone

    def clear(self, buckets: Iterable[Bucket]) -> None:
        """Forget everything, and have these buckets instead; meant for inside a transaction."""
        for table in ("part", "upload", "object", "bucket"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        for bucket in buckets:
            self.buckets.put(bucket)

    def scan(self, bucket: str, start: bytes, *, after: bool) -> Iterator[Record]:
        """Walk a bucket in key order.

        Args:
            bucket: The bucket.
            start: Where to begin, as UTF-8 bytes.
            after: Whether `start` itself is left out.
        """
        relation = ">" if after else ">="
        for row in self._db.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ? AND {SHOWN}"  # noqa: S608 - constants
            f" AND key {relation} ? ORDER BY key",
            (bucket, start),
        ):
            yield _record(row)

    def scan_versions(self, bucket: str, start: bytes, *, after: bool) -> Iterator[Record]:
        """Walk all versions and delete markers in key order, the latest of each key first.

        Args:
            bucket: The bucket.
            start: The key to begin at, as UTF-8 bytes.
            after: Whether `start` itself is left out.
        """
        relation = ">" if after else ">="
        for row in self._db.execute(
            f"SELECT {COLUMNS} FROM object WHERE bucket = ?"  # noqa: S608 - constants
            f" AND key {relation} ? ORDER BY key, number DESC",
            (bucket, start),
        ):
            yield _record(row)

    def totals(self, bucket: str) -> tuple[int, int]:
        """Count the objects of a bucket and their bytes, old versions among them."""
        sql = "SELECT count(*), coalesce(sum(size), 0) FROM object WHERE bucket = ? AND marker = 0"
        count, size = self._db.execute(sql, (bucket,)).fetchone()
        return count, size

    def names(self, file: str) -> bool:
        """Say whether an object or a part lives in a file."""
        found = self._db.execute(
            "SELECT 1 FROM object WHERE file = ? UNION ALL SELECT 1 FROM part WHERE file = ?",
            (file, file),
        ).fetchone()
        return found is not None

    def files(self) -> set[str]:
        """Name every file that an object or a part lives in."""
        found = self._db.execute(
            "SELECT file FROM object WHERE file IS NOT NULL UNION ALL SELECT file FROM part"
        )
        return {name for (name,) in found}

    def _versioning(self, bucket: str) -> str:
        sql = "SELECT versioning FROM bucket WHERE name = ?"
        row = self._db.execute(sql, (bucket,)).fetchone()
        return str(row[0]) if row else ""

    def _remove(self, bucket: str, key: str, version: str) -> list[str]:
        rows = self._db.execute(
            "DELETE FROM object WHERE bucket = ? AND key = ? AND version = ? RETURNING file",
            (bucket, key.encode(), version),
        ).fetchall()
        return [file for (file,) in rows if file]


def _values(record: Record) -> tuple[str | None, int, bytes, str, int, str]:
    facts = {
        "headers": dict(record.headers),
        "kind": record.kind.value,
        "tag": record.tag,
        "acl": record.acl,
        "tags": dict(record.tags),
        "target": record.target,
    }
    digest = record.digest
    return (
        record.file or None,
        digest.size,
        digest.md5,
        str(digest.crc64),
        int(record.modified.timestamp()),
        json.dumps(facts),
    )


def _record(row: Row) -> Record:
    key, version, latest, marker, file, size, md5, crc64, modified, facts = row
    told = json.loads(facts)
    return Record(
        key=key.decode(),
        file=file or "",
        digest=Digest(size, md5, int(crc64)),
        modified=datetime.fromtimestamp(modified, UTC),
        headers=told["headers"],
        kind=Kind(told["kind"]),
        tag=told["tag"],
        acl=told["acl"],
        tags=told["tags"],
        target=told["target"],
        version=version,
        marker=bool(marker),
        latest=bool(latest),
    )
