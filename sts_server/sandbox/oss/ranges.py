"""Byte ranges as OSS reads them (OSS: "Range download"). Pure.

By default a range that is malformed or leaves the object is not an error: the whole object comes,
with 200. With `x-oss-range-behavior: standard` OSS follows RFC 9110, section 14, for one range.
"""

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))", re.ASCII)
MAX_DIGITS = 19  # of any size that OSS can hold; longer numbers are malformed


class UnsatisfiableError(ValueError):
    """A standard range begins behind the end of the object."""


@dataclass(frozen=True)
class Slice:
    """A part of an object: offset of its first byte and its length, both in bytes."""

    first: int
    length: int

    def content_range(self, size: int) -> str:
        """Render the Content-Range header of an object of so many bytes."""
        return f"bytes {self.first}-{self.first + self.length - 1}/{size}"


def resolve(header: str | None, size: int, *, standard: bool) -> Slice | None:
    """Decide which part of an object a Range header asks for.

    Args:
        header: The Range header, if there is one.
        size: Size of the object in bytes.
        standard: Whether `x-oss-range-behavior: standard` was sent.

    Returns:
        The part, or None for the whole object with 200.

    Raises:
        UnsatisfiableError: Standard behaviour, and no byte of the object is in the range.
    """
    found = RANGE.fullmatch(header or "")
    if found is None or any(len(digits or "") > MAX_DIGITS for digits in found.groups()):
        return None
    if found["suffix"]:
        return _suffix(int(found["suffix"]), size, standard=standard)
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else max(size - 1, first)
    if last < first:
        return None
    if first >= size:
        if standard:
            raise UnsatisfiableError(header)
        return None
    if last >= size:
        return Slice(first, size - first) if standard else None
    return Slice(first, last - first + 1)


def _suffix(length: int, size: int, *, standard: bool) -> Slice | None:
    if standard and (length == 0 or size == 0):
        raise UnsatisfiableError(f"bytes=-{length}")
    if length == 0 or size == 0 or (length > size and not standard):
        return None
    length = min(length, size)
    return Slice(size - length, length)
