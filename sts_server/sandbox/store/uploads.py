"""The tables of multipart uploads and of their parts."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from sts_server.sandbox.store.multipart import Multipart, Part
from sts_server.sandbox.store.record import Digest

UPLOAD = "id, bucket, key, initiated, facts"
PART = "number, file, size, md5, crc64, modified"


class UploadTable:
    """All uploads that were begun and not ended.

    Args:
        db: The database, with its tables.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, upload: Multipart) -> None:
        """Begin an upload."""
        facts = {
            "headers": dict(upload.headers),
            "acl": upload.acl,
            "tags": dict(upload.tags),
        }
        self._db.execute(
            "INSERT INTO upload VALUES (?, ?, ?, ?, ?)",
            (
                upload.id,
                upload.bucket,
                upload.key.encode(),
                int(upload.initiated.timestamp()),
                json.dumps(facts),
            ),
        )

    def find(self, bucket: str, key: str, upload_id: str) -> Multipart | None:
        """Look up an upload; its id alone is not enough."""
        row = self._db.execute(
            f"SELECT {UPLOAD} FROM upload WHERE id = ? AND bucket = ? AND key = ?",  # noqa: S608 - a constant
            (upload_id, bucket, key.encode()),
        ).fetchone()
        return None if row is None else _upload(row)

    def end(self, upload_id: str) -> list[str]:
        """Forget an upload and its parts, and name their files."""
        gone = [part.file for part in self.parts(upload_id)]
        self._db.execute("DELETE FROM upload WHERE id = ?", (upload_id,))
        return gone

    def scan(self, bucket: str, start: bytes, *, after: bool) -> Iterator[Multipart]:
        """Walk the uploads of a bucket in order of key, then id.

        Args:
            bucket: The bucket.
            start: The key to begin at, as UTF-8 bytes.
            after: Whether `start` itself is left out.
        """
        relation = ">" if after else ">="
        for row in self._db.execute(
            f"SELECT {UPLOAD} FROM upload WHERE bucket = ? AND key {relation} ? ORDER BY key, id",  # noqa: S608 - constants
            (bucket, start),
        ):
            yield _upload(row)

    def count(self, bucket: str) -> int:
        """Count the uploads of a bucket."""
        sql = "SELECT count(*) FROM upload WHERE bucket = ?"
        return int(self._db.execute(sql, (bucket,)).fetchone()[0])

    def put_part(self, upload_id: str, part: Part) -> list[str]:
        """Write a part, in place of the one that had its number, and name the file of that."""
        sql = "SELECT file FROM part WHERE upload = ? AND number = ?"
        gone = [file for (file,) in self._db.execute(sql, (upload_id, part.number))]
        self._db.execute(
            "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                upload_id,
                part.number,
                part.file,
                part.digest.size,
                part.digest.md5,
                str(part.digest.crc64),
                int(part.modified.timestamp()),
            ),
        )
        return gone

    def parts(self, upload_id: str, after: int = 0) -> list[Part]:
        """List the parts of an upload behind a number, in order."""
        rows = self._db.execute(
            f"SELECT {PART} FROM part WHERE upload = ? AND number > ? ORDER BY number",  # noqa: S608 - a constant
            (upload_id, after),
        )
        return [
            Part(
                number,
                file,
                Digest(size, md5, int(crc64)),
                datetime.fromtimestamp(modified, UTC),
            )
            for number, file, size, md5, crc64, modified in rows
        ]


def _upload(row: tuple[str, str, bytes, int, str]) -> Multipart:
    upload_id, bucket, key, initiated, facts = row
    told = json.loads(facts)
    return Multipart(
        upload_id,
        bucket,
        key.decode(),
        datetime.fromtimestamp(initiated, UTC),
        told["headers"],
        told["acl"],
        told["tags"],
    )
