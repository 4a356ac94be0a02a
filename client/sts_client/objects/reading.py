"""An object as it is read: its body, with the checks that make it trustworthy."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import requests
import urllib3

from sts_client.errors import StsClientError, TransferError, UsageError
from sts_client.objects.described import Described
from sts_client.objects.head import Head
from sts_client.objects.tally import Tally

CHUNK = 256 * 1024
"""Bytes that iterating yields at a time."""
SMALL = 64 * 1024
"""Bytes up to which a body is read at once, so that its connection is free before it is used."""


class Object(Described):
    """An object that is being read, like a file: `read`, iterate, close or use in a ``with``.

    The bytes are those stored; a ``Content-Encoding`` is not undone. Once the last byte of a whole
    object is read its CRC-64 has been compared with OSS's. Less than was promised is an error,
    never short data. A small body was read and checked before you got this.
    """

    def __init__(self, head: Head, response: requests.Response, *, whole: bool) -> None:
        super().__init__(head)
        self._response = response
        self._tally = Tally(head, whole=whole)
        self._ready = b""
        self._ended = False
        self._error: StsClientError | None = None
        if head.length <= SMALL:
            self._ready = self._rest()

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; b"" at the end, as files do.

        Raises:
            TruncatedBody: the connection ended before the body did.
            ChecksumMismatch: all was read, and it is not what OSS stored.
            TimedOut: nothing came for too long.
            UsageError: it was closed before its end. Errors come again with each further call.
        """
        if self._error:
            raise self._error
        if size is None:
            size = -1
        if self._ready:
            cut = len(self._ready) if size < 0 else size
            data, self._ready = self._ready[:cut], self._ready[cut:]
            return data
        return self._rest() if size < 0 else self._next(size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in pieces; raises as `read` does, so the last piece proves the others."""
        while chunk := self.read(CHUNK):
            yield chunk

    def close(self) -> None:
        """Give up the connection. What is left of the body cannot be read any more."""
        if self._ready or not self._ended:
            self._give_up(UsageError(f"{self.key!r} was closed before it was read to its end"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _rest(self) -> bytes:
        chunks = []
        while chunk := self._next(max(self._tally.left, 1)):
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _next(self, size: int) -> bytes:
        if self._ended or size == 0:
            return b""
        try:
            chunk: bytes = self._response.raw.read(size, decode_content=False)
        except urllib3.exceptions.ReadTimeoutError:
            raise self._give_up(self._tally.stopped()) from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise self._give_up(self._tally.broken()) from None
        try:
            self._ended = self._tally.add(chunk)
        except TransferError as error:
            self._give_up(error)
            raise
        if self._ended:
            self._response.close()
        return chunk

    def _give_up(self, error: StsClientError) -> StsClientError:
        """Close, and keep the reason: a second `read` must not look like the end of the body."""
        self._error = error
        self._ready = b""
        self._ended = True
        self._response.close()
        return error
