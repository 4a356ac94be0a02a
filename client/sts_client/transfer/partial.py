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
from threading import Lock

from fastcrc import crc64

from sts_client.objects import Head
from sts_client.transfer.place import Place
from sts_client.transfer.plan import Span

_PIECE = 1024 * 1024


class Partial:
    """The file, open, with its journal.

    Attributes:
        done: the CRC-64 of each part that is complete, by its number.
    """

    def __init__(self, name: "_Name", target: Place, terms: dict[str, object]) -> None:
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

    def land(self) -> os.stat_result:
        """Put the file in its target's place; return what is there now."""
        os.fchmod(self._name.data, self._target.mode())
        landed = os.fstat(self._name.data)
        self._name.place.move(self._target)
        self._name.journal_place.remove()
        return landed

    def discard(self) -> None:
        """Remove what has come."""
        self._name.place.remove()
        self._name.journal_place.remove()

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
def partial(target: Place, head: Head, part_size: int) -> Iterator[Partial]:
    """Open the partial file of a download.

    When the block ends with an error the file stays, for the next attempt to take up.

    Args:
        target: where the object goes.
        head: of the object.
        part_size: of the plan; another one begins anew.
    """
    terms: dict[str, object] = {"etag": head.etag, "size": head.size, "part": part_size}
    # Not longer than any name that the folder allows, so not made from the target's own.
    digest = hashlib.sha256(os.fsencode(target.path.name)).hexdigest()[:16]
    name = _Name.opened(target.beside(f".{digest}.part"))
    kept = name is not None
    if name is None:
        # Somebody else is at it, or has put something there: they keep it.
        name = _Name.opened(target.beside(f".{secrets.token_hex(8)}.part"))
    if name is None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.name)
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

    place: Place
    data: int
    journal: int

    @property
    def journal_place(self) -> Place:
        return _journal_of(self.place)

    @classmethod
    def opened(cls, place: Place) -> "_Name | None":
        """Open both files, new or left by an earlier attempt; None if they are not ours alone."""
        data = _open_ours(place)
        if data is None:
            return None
        journal = _open_ours(_journal_of(place), os.O_APPEND)
        if journal is None:
            os.close(data)
            return None
        return cls(place, data, journal)


def _journal_of(place: Place) -> Place:
    return place.beside(place.path.with_suffix(".journal").name)


def _open_ours(place: Place, more: int = 0) -> int | None:
    """Open a file that may be there already, if it is ours and nobody else has it open."""
    try:
        handle = place.open(os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | more)
    except OSError as error:
        # A link, a folder, a pipe, or a file of somebody else's.
        taken = error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO)
        if taken or place.found() is not None:
            return None
        raise
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, there = os.fstat(handle), place.found()
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        # It may have been landed, and its name given to another file, just before the lock.
        same = there is not None and there.st_ino == found.st_ino
        if ours and same and found.st_nlink == 1:
            os.fchmod(handle, 0o600)
            return handle
    os.close(handle)
    return None
