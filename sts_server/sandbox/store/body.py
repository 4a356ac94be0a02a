"""One body on its way to disk: written, hashed and counted in the same pass."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable
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

    Args:
        path: Where the bytes go.
        create: Makes the file.
        durable: Whether the bytes are forced to the disk before they count.

    Raises:
        DiskFullError: From `write` and `finish`, and at creation.
    """

    def __init__(self, path: Path, create: CreateFile, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._md5 = hashlib.md5(usedforsecurity=False)  # the entity tag of OSS, not a safeguard
        self._crc64 = fastcrc.crc64.xz(b"")
        self._size = 0
        self._busy = threading.Lock()  # a cancelled request may discard while a write still runs
        try:
            self._file = create(path)
        except OSError as error:
            raise _translated(error) from error

    def write(self, data: bytes) -> None:
        """Append bytes."""
        view = memoryview(data)
        with self._busy:
            try:
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise _translated(error) from error
            self._md5.update(data)
            self._crc64 = fastcrc.crc64.xz(data, self._crc64)
            self._size += len(data)

    def finish(self) -> Digest:
        """Force the bytes and the file's name to disk, close, and give size and checksums."""
        try:
            if self._durable:
                os.fsync(self._file.fileno())
                _sync_folder(self.path.parent)
            self._file.close()
        except OSError as error:
            raise _translated(error) from error
        return Digest(self._size, self._md5.digest(), self._crc64)

    def discard(self) -> None:
        """Close and remove the file."""
        with self._busy:
            self._file.close()
            self.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _translated(error: OSError) -> Exception:
    if error.errno in OUT_OF_SPACE:
        return DiskFullError(error.strerror or "no space left")
    return error
