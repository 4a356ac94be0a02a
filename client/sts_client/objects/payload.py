"""What a put sends: bytes, a file or an iterator, read once per attempt and summed on the way."""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from fastcrc import crc64

from sts_client.errors import PayloadError, UsageError

CHUNK = 256 * 1024
"""Bytes that are read and sent at a time."""

Data = bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""What may be uploaded. A file is sent from its present position to its end."""


class Payload:
    """The body of one put.

    Attributes:
        length: in bytes, or None for an iterator, which goes out in chunks.
        crc64: of what has been sent so far.
    """

    def __init__(self, data: Data) -> None:
        self.length: int | None = None
        self.crc64 = 0
        self._file: BinaryIO | None = None
        self._start = 0
        self._parts: Iterator[bytes] | None = None
        given: object = data  # whatever the annotation says: callers without types exist
        if isinstance(given, str):
            raise UsageError("a str has no bytes yet: pass text.encode(), or an open file")
        if isinstance(given, io.TextIOBase):
            raise UsageError("the file is open as text: open it with mode 'rb'")
        if isinstance(given, bytes | bytearray | memoryview):
            view = memoryview(given)
            self._file = io.BytesIO(view if view.c_contiguous else view.tobytes())
            self.length = view.nbytes
        elif hasattr(given, "read"):
            self._open(cast("BinaryIO", given))
        elif isinstance(given, Iterable):
            self._parts = iter(given)
        else:
            raise UsageError("data must be bytes, a file opened for reading in binary, or chunks")

    def _open(self, file: BinaryIO) -> None:
        try:
            # Whatever has `read` is good enough to be read once.
            seekable = hasattr(file, "seekable") and file.seekable()
            if seekable:
                self._start = file.tell()
                self.length = max(file.seek(0, io.SEEK_END) - self._start, 0)
                file.seek(self._start)
        except Exception as error:
            raise PayloadError("the file to upload cannot be read: is it still open?") from error
        if seekable:
            self._file = file
        else:
            self._parts = iter(lambda: file.read(CHUNK), b"")

    @property
    def in_memory(self) -> bool:
        """Whether reading it takes no waiting."""
        return isinstance(self._file, io.BytesIO)

    def rewind(self) -> bool:
        """Go back to the first byte; return whether that is possible."""
        if self._file is None:
            return False
        try:
            self._file.seek(self._start)
        except Exception as error:
            raise PayloadError("the file to upload cannot be read a second time") from error
        self.crc64 = 0
        return True

    def chunks(self) -> Iterator[bytes]:
        """Read the data and sum it up.

        Raises:
            PayloadError: it cannot be read, or ended early.
        """
        left = self.length
        parts = self._pieces() if self._parts is None else self._parts
        while True:
            try:
                part = self.count(next(parts))
            except StopIteration:
                break
            except Exception as error:
                raise unreadable() from error
            if left is not None:
                left -= len(part)
            yield part
        if left:
            raise PayloadError(f"the file to upload ended {left} bytes early: it was changed")

    def count(self, part: object) -> bytes:
        """Sum up a piece of the data, whatever kind of bytes it is, and return it as bytes."""
        # A view counts its items, which may be wider than a byte: by that count it would be cut.
        found = part if isinstance(part, bytes) else memoryview(cast("bytes", part)).tobytes()
        self.crc64 = crc64.xz(found, self.crc64)
        return found

    def _pieces(self) -> Iterator[bytes]:
        left = self.length or 0
        while left and self._file and (part := self._file.read(min(CHUNK, left))):
            left -= len(part)
            yield part


def unreadable() -> PayloadError:
    """Give the error for whatever a caller's own data raised, which becomes its cause.

    Left alone an OSError, or one of the HTTP library's if the data come from there, would pass for
    a failure of the connection to OSS.
    """
    return PayloadError("the data to upload could not be read to its end, see the cause")
