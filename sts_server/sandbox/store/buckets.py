"""The table of buckets."""

import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sts_server.sandbox.store.bucket import Bucket, Cors, CorsRule


class BucketTable:
    """All buckets, and what is set on each.

    Args:
        db: The database, with its tables.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, bucket: Bucket) -> None:
        """Write a bucket, in place of the one that had its name."""
        self._db.execute(
            "INSERT INTO bucket VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "acl = excluded.acl, versioning = excluded.versioning, cors = excluded.cors, "
            "tags = excluded.tags",
            (
                bucket.name,
                int(bucket.created.timestamp()),
                bucket.acl,
                bucket.versioning,
                json.dumps(None if bucket.cors is None else asdict(bucket.cors)),
                json.dumps(dict(bucket.tags)),
            ),
        )

    def delete(self, name: str) -> bool:
        """Remove a bucket.

        Returns:
            False when it holds objects or uploads, and so stays.
        """
        for table in ("object", "upload"):
            held = f"SELECT 1 FROM {table} WHERE bucket = ? LIMIT 1"  # noqa: S608 - constants
            if self._db.execute(held, (name,)).fetchone():
                return False
        self._db.execute("DELETE FROM bucket WHERE name = ?", (name,))
        return True

    def find(self, name: str) -> Bucket | None:
        """Look up one bucket."""
        row = self._db.execute("SELECT * FROM bucket WHERE name = ?", (name,)).fetchone()
        return None if row is None else _bucket(row)

    def all(self) -> list[Bucket]:
        """Give all buckets in order of their names."""
        return [_bucket(row) for row in self._db.execute("SELECT * FROM bucket ORDER BY name")]


def _bucket(row: tuple[str, int, str, str, str, str]) -> Bucket:
    name, created, acl, versioning, cors, tags = row
    return Bucket(
        name,
        datetime.fromtimestamp(created, UTC),
        acl,
        versioning,
        _cors(json.loads(cors)),
        json.loads(tags),
    )


def _cors(value: dict[str, Any] | None) -> Cors | None:
    if value is None:
        return None
    rules = (
        CorsRule(
            tuple(rule["origins"]),
            tuple(rule["methods"]),
            tuple(rule["headers"]),
            tuple(rule["exposed"]),
            rule["max_age"],
        )
        for rule in value["rules"]
    )
    return Cors(tuple(rules), value["vary"])
