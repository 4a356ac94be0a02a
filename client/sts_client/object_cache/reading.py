"""An object as it is read from the disk; its bytes were checked before anybody got it."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from sts_client.errors import UsageError
from sts_client.objects import Head

_CHUNK = 256 * 1024


class CachedObject:
    """An object from the cache, like a file: `read`, iterate, close or use in a ``with``.

    It can be read to its end whatever becomes of the cache meanwhile.

    Attributes:
        head: what OSS said about it when it came.
        came: whether it came just now; False if OSS said that the kept one is still the same.
    """

    def __init__(self, head: Head, handle: int, *, came: bool) -> None:
        self.head = head
        self.came = came
        self._file = os.fdopen(handle, "rb", buffering=0)
        self._left = head.size
        self._ready = b""
        if head.size <= _CHUNK:
            # So that a small one is read and forgotten, as an Object is.
            self._ready = self._next(head.size)
            self._file.close()

    def __repr__(self) -> str:
        return f"CachedObject({self.head!r}, came={self.came})"

    @property
    def key(self) -> str:
        """Its name."""
        return self.head.key

    @property
    def etag(self) -> str:
        """Verbatim, quotes included."""
        return self.head.etag

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.head.size

    @property
    def last_modified(self) -> datetime | None:
        """When it was last written; aware, to the second."""
        return self.head.last_modified

    @property
    def content_type(self) -> str:
        """As stored."""
        return self.head.content_type

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own, names in lower case without ``x-oss-meta-``."""
        return self.head.metadata

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; b"" at the end, as files do.

        Raises:
            UsageError: it was closed before its end.
        """
        if size is None or size < 0:
            size = len(self._ready) + self._left
        if self._ready:
            data, self._ready = self._ready[:size], self._ready[size:]
            return data
        if not self._left or not size:
            return b""
        if self._file.closed:
            raise UsageError(f"{self.key!r} was closed before it was read to its end")
        data = self._next(size)
        if not self._left:
            self._file.close()
        return data

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        while chunk := self.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Let go of the file."""
        self._left += len(self._ready)
        self._ready = b""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _next(self, size: int) -> bytes:
        """Read so much of the file, which holds it: its end was looked at before."""
        pieces = []
        wanted = min(size, self._left)
        while wanted and (piece := self._file.read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
            self._left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
