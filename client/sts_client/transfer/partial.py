"""A partial file: what has come of a download so far, and which parts of it are whole.

It lies beside its target under a name that the next attempt finds again, with a journal of the
parts that are complete. None is trusted unread: a crash of the machine may have lost some of it.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from fastcrc import crc64

from sts_client.objects import Head
from sts_client.transfer.landing import mode_of
from sts_client.transfer.plan import Span

_PIECE = 1024 * 1024


class Partial:
    """The file, open, with its journal.

    Attributes:
        done: the CRC-64 of each part that is complete, by its number.
    """

    def __init__(self, name: "_Name", target: Path, terms: dict[str, object]) -> None:
        self._name = name
        self._target = target
        self._terms = terms
        self._lock = Lock()
        self.done: dict[int, int] = {}

    def write(self, data: bytes, at: int) -> None:
        """Write some bytes to their place."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._name.data, view, at)
            view, at = view[written:], at + written

    def complete(self, span: Span, crc: int) -> None:
        """Note that a part is complete."""
        with self._lock:
            self.done[span.number] = crc
            self._note({"number": span.number, "crc64": crc})

    def start_over(self) -> None:
        """Forget all that has come."""
        self.done.clear()
        os.ftruncate(self._name.journal, 0)
        self._note(self._terms)

    def resume(self, spans: list[Span], size: int) -> None:
        """Take up what an earlier attempt at the same object has left, if it is still good."""
        for number, crc in self._noted().items():
            span = spans[number - 1] if 0 < number <= len(spans) else None
            if span is not None and self._sum(span) == crc:
                self.done[number] = crc
        if not self.done:
            self.start_over()
        os.ftruncate(self._name.data, size)

    def land(self) -> None:
        """Put the file in its target's place."""
        os.fchmod(self._name.data, mode_of(self._target))
        self._name.path.replace(self._target)
        self._name.journal_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what has come."""
        self._name.path.unlink(missing_ok=True)
        self._name.journal_path.unlink(missing_ok=True)

    def _note(self, what: dict[str, object]) -> None:
        # In one piece at the end (O_APPEND), so that none but the last line can be torn.
        os.write(self._name.journal, f"{json.dumps(what)}\n".encode())

    def _noted(self) -> dict[int, int]:
        """Read the journal: nothing of it counts unless it is about the same object and plan."""
        found: dict[int, int] = {}
        size = os.fstat(self._name.journal).st_size
        with suppress(ValueError, TypeError, KeyError):
            terms, *lines = os.pread(self._name.journal, size, 0).decode().splitlines() or [""]
            if json.loads(terms) != self._terms:
                return {}
            for line in lines:
                note = json.loads(line)
                found[int(note["number"])] = int(note["crc64"])
        return found

    def _sum(self, span: Span) -> int | None:
        crc, at, end = 0, span.first, span.first + span.length
        while at < end:
            piece = os.pread(self._name.data, min(_PIECE, end - at), at)
            if not piece:
                return None
            crc = crc64.xz(piece, crc)
            at += len(piece)
        return crc


@contextmanager
def partial(target: Path, head: Head, part_size: int) -> Iterator[Partial]:
    """Open the partial file of a download.

    When the block ends with an error the file stays, for the next attempt to take up.

    Args:
        target: where the object goes; no link any more.
        head: of the object.
        part_size: of the plan; another one begins anew.
    """
    terms: dict[str, object] = {"etag": head.etag, "size": head.size, "part": part_size}
    # Not longer than any name that the folder allows, so not made from the target's own.
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    name = _Name.opened(target.with_name(f".{digest}.part"))
    kept = name is not None
    if name is None:
        # Somebody else is at it, or has put something there: they keep it.
        name = _Name.opened(target.with_name(f".{secrets.token_hex(8)}.part"))
    if name is None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    found = Partial(name, target, terms)
    try:
        yield found
    except BaseException:
        if not kept:
            found.discard()
        raise
    finally:
        os.close(name.data)
        os.close(name.journal)


@dataclass(frozen=True, slots=True)
class _Name:
    """Where a partial file and its journal are, and their open files."""

    path: Path
    data: int
    journal: int

    @property
    def journal_path(self) -> Path:
        return self.path.with_suffix(".journal")

    @classmethod
    def opened(cls, path: Path) -> "_Name | None":
        """Open both files, new or left by an earlier attempt; None if they are not ours alone."""
        data = _open_ours(path)
        if data is None:
            return None
        journal = _open_ours(path.with_suffix(".journal"), os.O_APPEND)
        if journal is None:
            os.close(data)
            return None
        return cls(path, data, journal)


def _open_ours(path: Path, more: int = 0) -> int | None:
    """Open a file that may be there already, if it is ours and nobody else has it open."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags | more, 0o600)
    except OSError as error:
        # A link, a folder, a pipe, or a file of somebody else's.
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO) or path.exists():
            return None
        raise
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, there = os.fstat(handle), path.stat(follow_symlinks=False)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        # It may have been landed, and its name given to another file, just before the lock.
        if ours and found.st_nlink == 1 and there.st_ino == found.st_ino:
            os.fchmod(handle, 0o600)
            return handle
    os.close(handle)
    return None
