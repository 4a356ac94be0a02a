"""Sessions on disk, so that they survive a restart: one SQLite file that nobody else may read.

The file belongs to the user who runs the sandbox and is closed to all others, and so is its folder.
Whoever finds either open has found keys that may have been copied: the sandbox does not start.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from pathlib import Path

from sts_server.sandbox.errors import SettingError

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    access_key_id TEXT PRIMARY KEY,
    access_key_secret TEXT NOT NULL,
    security_token TEXT NOT NULL,
    role TEXT NOT NULL, -- its ARN
    name TEXT NOT NULL,
    expiration TEXT NOT NULL, -- ISO 8601, virtual time
    policy TEXT -- the session policy as it was sent, or NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    microseconds INTEGER NOT NULL -- how far virtual time is ahead
);
"""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Saved:
    """One session as it is kept; the columns of its table, in order."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    role: str
    name: str
    expiration: str
    policy: str | None = field(repr=False)


class Vault:
    """The file of sessions, and of how far virtual time is ahead.

    Args:
        folder: Its folder; made when missing.

    Raises:
        SettingError: Folder or file are open to others, not ours, or cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "sessions.sqlite"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            _check(folder, stat.S_ISDIR)
            # Made before SQLite opens it, which gives its side files the same mode.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            for file in (path, *folder.glob(f"{path.name}-*")):
                _check(file, stat.S_ISREG)
            self._db = _open(path)
        except (OSError, sqlite3.Error) as error:
            raise SettingError(f"the sessions in {folder} cannot be used: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self) -> list[Saved]:
        """Give every session that is kept."""
        return [Saved(*row) for row in self._db.execute("SELECT * FROM session")]

    def save(self, session: Saved) -> None:
        """Keep one session, in place of what had its key."""
        self._db.execute(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(session)
        )

    def forget(self, access_key_ids: Iterable[str]) -> None:
        """Remove sessions; missing ones are no error."""
        self._db.executemany(
            "DELETE FROM session WHERE access_key_id = ?", [(key,) for key in access_key_ids]
        )

    def offset(self) -> timedelta:
        """Give how far virtual time was ahead."""
        row = self._db.execute("SELECT microseconds FROM clock").fetchone()
        return timedelta() if row is None else row[0] * MICROSECOND

    def save_offset(self, offset: timedelta) -> None:
        """Keep how far virtual time is ahead, or expired sessions would come back to life."""
        self._db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (offset // MICROSECOND,))


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # A commit survives the end of the program, if not of the machine: that costs no wait for
        # the disk, and these calls are made on the event loop.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _check(path: Path, is_right: Callable[[int], bool]) -> None:
    found = path.lstat()
    if not is_right(found.st_mode) or found.st_uid != os.geteuid():
        raise SettingError(f"{path} is not this user's own")
    if found.st_mode & OTHERS:
        raise SettingError(f"{path} is open to others; it holds keys: chmod go= it, or remove it")
