"""The manifest: what was the same after the last run, so that the next one need not look.

Lost or damaged it costs time, never a wrong byte. It holds names and sums, no secret, and is for
its owner alone all the same.
"""

import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from fastcrc import crc64

from sts_client.mirror.plan import Found, Record, Shown
from sts_client.transfer import Place

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Which objects a manifest is about."""

    bucket: str
    region: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known.

    Attributes:
        source: None if nothing is.
        records: by name below prefix and folder.
    """

    source: Source | None
    records: Mapping[str, Record]


NOTHING = Manifest(None, {})


def encoded(manifest: Manifest) -> bytes:
    """Write a manifest: a line of JSON, and one with the CRC-64 of the first."""
    source = manifest.source or Source("", "", "")
    files = {
        name: (
            it.shown.etag,
            it.shown.size,
            it.crc64,
            it.found.size,
            it.found.modified,
            it.found.inode,
        )
        for name, it in manifest.records.items()
    }
    document = {
        "version": _VERSION,
        "source": [source.bucket, source.region, source.prefix],
        "files": files,
    }
    line = json.dumps(document, separators=(",", ":")).encode()
    return b"%b\n%d\n" % (line, crc64.xz(line))


def decoded(text: bytes) -> Manifest:
    """Read a manifest; what is damaged, or of another version, says nothing."""
    with suppress(KeyError, RecursionError, TypeError, ValueError):
        line, crc, rest = text.split(b"\n")
        if not rest and int(crc) == crc64.xz(line):
            document = json.loads(line)
            if document["version"] == _VERSION:
                records = {name: _record(*it) for name, it in document["files"].items()}
                return Manifest(Source(*document["source"]), records)
    return NOTHING


def _record(
    etag: str, size: int, crc: int | None, length: int, modified: int, inode: int
) -> Record:
    return Record(Shown(etag, size), Found(length, modified, inode), crc)


def read(place: Place) -> Manifest:
    """Read the manifest at a place; one that others can write, or a link, says nothing."""
    try:
        handle = place.open(os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return NOTHING
    found = os.fstat(handle)
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or found.st_mode & 0o022:
        os.close(handle)
        return NOTHING
    with os.fdopen(handle, "rb") as file:
        return decoded(file.read())


def write(place: Place, manifest: Manifest) -> None:
    """Put a manifest at a place, whole or not at all; where that fails the next run has to look."""
    with suppress(OSError):
        _write(place, manifest)


def _write(place: Place, manifest: Manifest) -> None:
    part = place.beside(f".{secrets.token_hex(8)}.part")
    handle = part.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(encoded(manifest))
        part.move(place)
    finally:
        part.remove()
