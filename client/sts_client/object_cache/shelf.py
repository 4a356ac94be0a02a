"""The shelf: a folder of kept objects, bounded; the one that was used longest ago goes first.

Each is a file that appears whole: the object's bytes, and behind them its label. Whoever has one
open keeps it, also when it is replaced or removed meanwhile.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from sts_client.object_cache import label
from sts_client.objects import Head
from sts_client.private_folder import open_private, prepare

_WHAT = "object cache"
_SUFFIX = ".object"
_KEPT = re.compile(r"[0-9a-f]{40}\.object")
_BEGUN = re.compile(r"\.[0-9a-f]{16}\.new")
_ABANDONED = 24 * 3600.0
"""Seconds after which what somebody began is taken for given up."""


class Shelf:
    """The folder; safe to share between threads and processes.

    Args:
        folder: made if it is not there.
        max_bytes: that the files may have together.

    Raises:
        UsageError: the folder cannot be used, or is open to others.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        prepare(folder, _WHAT)

    def place(self, source: tuple[str, ...], key: str) -> Path:
        """Return where an object is kept; `source` says of which bucket it is."""
        digest = hashlib.sha256(json.dumps([*source, key]).encode()).hexdigest()[:40]
        return self._folder / f"{digest}{_SUFFIX}"

    def open(self, place: Path, key: str) -> tuple[int, Head] | None:
        """Open what is kept, if anything is that is not damaged at first sight.

        Raises:
            UsageError: the file is open to others, or is a link.
        """
        try:
            handle = open_private(place, os.O_RDONLY, _WHAT)
        except FileNotFoundError:
            return None
        try:
            length = os.fstat(handle).st_size
            end = os.pread(handle, label.LARGEST, max(length - label.LARGEST, 0))
            head = label.read(end, length, key)
        except OSError:
            head = None
        if head is None:
            os.close(handle)
            return None
        return handle, head

    @contextmanager
    def begun(self) -> Iterator[Path]:
        """Give an empty file of our own, which goes unless it is `keep`t.

        Raises:
            OSError: none can be made.
        """
        # In a folder of its own, so that whatever a transfer leaves beside it goes, too.
        own = self._folder / f".{secrets.token_hex(8)}.new"
        own.mkdir(mode=0o700)
        try:
            path = own / "body"
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            yield path
        finally:
            rmtree(own, ignore_errors=True)

    def keep(self, begun: Path, place: Path, head: Head, crc: int) -> int:
        """Keep what has come; return it, open at its first byte.

        Raises:
            OSError: of the files.
        """
        handle = os.open(begun, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            view = memoryview(label.written(head, crc))
            at = head.size
            while view:
                count = os.pwrite(handle, view, at)
                view, at = view[count:], at + count
            begun.replace(place)
            self._make_room(place)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def drop(self, place: Path) -> None:
        """Forget an object."""
        with suppress(OSError):
            place.unlink()

    def _make_room(self, newest: Path) -> None:
        """Remove what was used longest ago, until all fit."""
        lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept: list[tuple[int, int, str]] = []
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        found = entry.stat(follow_symlinks=False)
                        # Nothing but our own: the folder may be somebody's home.
                        if _KEPT.fullmatch(entry.name):
                            kept.append((found.st_mtime_ns, found.st_size, entry.name))
                        elif _BEGUN.fullmatch(entry.name) and _is_abandoned(found):
                            rmtree(entry.path, ignore_errors=True)
            total = sum(size for _, size, _ in kept)
            for _, size, name in sorted(kept):
                if total <= self._max_bytes:
                    break
                if name != newest.name:
                    self.drop(self._folder / name)
                    total -= size
        finally:
            # By name: a forked child may hold a copy, which closing ours would leave locked.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)


def _is_abandoned(found: os.stat_result) -> bool:
    return found.st_mtime < time.time() - _ABANDONED
