"""The tables of the index, and the refusal of a data folder that has others."""

import sqlite3

from sts_server.sandbox.errors import SettingError

NUMBER = 2  # of this schema; counted up with every change of it
SCHEMA = f"""
CREATE TABLE bucket (
    name TEXT PRIMARY KEY,
    created INTEGER NOT NULL, -- seconds since the epoch, virtual time, as all moments here
    acl TEXT NOT NULL,
    versioning TEXT NOT NULL,
    cors TEXT NOT NULL, -- JSON
    tags TEXT NOT NULL -- JSON
) WITHOUT ROWID;
CREATE TABLE object (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- what was written later has a larger one
    bucket TEXT NOT NULL REFERENCES bucket (name),
    key BLOB NOT NULL, -- UTF-8, so that order is byte order, as OSS lists
    version TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    file TEXT UNIQUE, -- none for what has no body
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    crc64 TEXT NOT NULL, -- unsigned 64 bit does not fit an SQLite integer
    modified INTEGER NOT NULL,
    facts TEXT NOT NULL, -- JSON: headers, kind, tag, ACL, tags, target
    UNIQUE (bucket, key, version)
);
CREATE UNIQUE INDEX latest_object ON object (bucket, key) WHERE latest = 1;
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES bucket (name),
    key BLOB NOT NULL,
    initiated INTEGER NOT NULL,
    facts TEXT NOT NULL -- JSON: headers, ACL, tags
) WITHOUT ROWID;
CREATE UNIQUE INDEX upload_by_key ON upload (bucket, key, id);
CREATE TABLE part (
    upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    crc64 TEXT NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
PRAGMA user_version = {NUMBER};
"""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables of a new database.

    Args:
        db: An open database.

    Raises:
        SettingError: The database is not empty and was made by another version of the sandbox.
    """
    (number,) = db.execute("PRAGMA user_version").fetchone()
    if number == NUMBER:
        return
    if number or db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise SettingError(
            "the data folder was made by another version of the sandbox: choose a new one"
        )
    db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
