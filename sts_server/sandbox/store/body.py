"""One body on its way to disk: written, and hashed and counted beside that, in one pass."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import fastcrc

from sts_server.sandbox.errors import DiskFullError
from sts_server.sandbox.store.record import Digest

OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

CreateFile = Callable[[Path], BinaryIO]


def create_file(path: Path) -> BinaryIO:
    """Create a file that must not exist yet, unbuffered, for writing."""
    return path.open("xb", buffering=0)


class Body:
    """A file that no index entry points to yet; blocking, so never called on the event loop.

    Its calls may overlap: a cancelled request discards while a write still runs in its thread.
    After `discard` nothing has any effect.

    Args:
        path: Where the bytes go.
        create: Makes the file.
        durable: Whether the bytes are forced to the disk before they count.
    """

    def __init__(self, path: Path, create: CreateFile, *, durable: bool) -> None:
        self.path = path
        self._create = create
        self._durable = durable
        self._md5 = hashlib.md5(usedforsecurity=False)  # the entity tag of OSS, not a safeguard
        self._crc64 = fastcrc.crc64.xz(b"")
        self._size = 0
        self._file: BinaryIO | None = None
        self._discarded = False
        self._busy = threading.Lock()

    def open(self) -> None:
        """Create the file.

        Raises:
            DiskFullError: The disk takes no new file.
        """
        with self._busy, disk_errors():
            if not self._discarded:
                self._file = self._create(self.path)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            DiskFullError: The disk takes no more.
        """
        with self._busy, disk_errors():
            if self._file is None:
                return
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def digest(self, data: bytes) -> None:
        """Count and hash bytes; touches no file, so it may run beside the `write` of the same."""
        self._md5.update(data)
        self._crc64 = fastcrc.crc64.xz(data, self._crc64)
        self._size += len(data)

    def finish(self) -> Digest:
        """Force the bytes and the file's name to disk, close, and give size and checksums.

        Raises:
            DiskFullError: The disk takes no more.
        """
        with self._busy, disk_errors():
            if self._file is not None:
                if self._durable:
                    os.fsync(self._file.fileno())
                    _sync_folder(self.path.parent)
                self._file.close()
            return Digest(self._size, self._md5.digest(), self._crc64)

    def discard(self) -> None:
        """Close and remove the file, if there is one."""
        with self._busy:
            self._discarded = True
            if self._file is not None:
                self._file.close()
                self._file = None
            self.path.unlink(missing_ok=True)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Call a disk that is full by its name.

    Raises:
        DiskFullError: The disk takes no more.
    """
    try:
        yield
    except OSError as error:
        if error.errno in OUT_OF_SPACE:
            raise DiskFullError(error.strerror or "no space left") from error
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
