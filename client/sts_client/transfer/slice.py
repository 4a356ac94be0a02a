"""A slice of a file: read at its own pace while other threads read theirs of the same file."""

import io
import os
from collections.abc import Callable

from sts_client.transfer.plan import Span


class Slice(io.RawIOBase):
    """Some bytes of an open file, as a file; it has a position of its own and does not close it."""

    def __init__(
        self, handle: int, span: Span, *, at_end: Callable[[], None] = lambda: None
    ) -> None:
        """Begin at the slice's first byte; `at_end` is called before the last ones are given."""
        self._handle = handle
        self._span = span
        self._at_end = at_end
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return the position within the slice."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position within the slice."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._span.length}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many bytes."""
        left = max(self._span.length - self._at, 0)
        wanted = left if size < 0 else min(size, left)
        data = os.pread(self._handle, wanted, self._span.first + self._at)
        self._at += len(data)
        if data and self._at >= self._span.length:
            self._at_end()
        return data
