"""The tally of a body: how much is still to come, and whether what came is what was promised."""

from fastcrc import crc64

from sts_client.errors import ChecksumMismatch, TimedOut, TruncatedBody
from sts_client.objects.head import Head


class Tally:
    """Counts and sums the pieces of one body.

    Attributes:
        left: bytes that are still to come.
    """

    def __init__(self, head: Head, *, whole: bool) -> None:
        """Begin; OSS gives the CRC-64 of the whole object, which says nothing about a range."""
        self._key = head.key
        self._expected = head.crc64 if whole else None
        self._crc64 = 0
        self.left = head.length

    def add(self, chunk: bytes) -> bool:
        """Count a piece, b"" for the end of the connection; return whether it was the last.

        Raises:
            TruncatedBody: the connection ended before the body did.
            ChecksumMismatch: all has come, and it is not what OSS stored.
        """
        self.left -= len(chunk)
        self._crc64 = crc64.xz(chunk, self._crc64)
        if chunk and self.left > 0:
            return False
        if self.left:
            raise self.broken()
        if self._expected is not None and self._crc64 != self._expected:
            raise ChecksumMismatch(
                f"{self._key!r} arrived with CRC-64 {self._crc64}, OSS has {self._expected}: do "
                f"not use these bytes, read it again"
            )
        return True

    def broken(self) -> TruncatedBody:
        """Give the error for a connection that broke."""
        return TruncatedBody(
            f"the body of {self._key!r} differs from its announced length by {abs(self.left)} "
            f"bytes: the connection broke, read it again"
        )

    def stopped(self) -> TimedOut:
        """Give the error for a connection on which nothing comes any more."""
        return TimedOut(f"the body of {self._key!r} stopped coming: try again")
