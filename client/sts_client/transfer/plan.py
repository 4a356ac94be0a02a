"""The plan of a transfer: how a size is cut into parts."""

from dataclasses import dataclass

from sts_client.errors import UsageError

MOST_PARTS = 10_000
"""Of one upload ("Multipart upload")."""
LEAST_PART = 100 * 1024
"""Bytes of each but the last (the same)."""

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that belong together.

    Attributes:
        number: from 1.
        first: where they begin.
        length: how many they are.
    """

    number: int
    first: int
    length: int


def spans(size: int, part_size: int) -> list[Span]:
    """Cut a size into parts, all of one length but the last; none for an empty one."""
    return [
        Span(number, first, min(part_size, size - first))
        for number, first in enumerate(range(0, size, part_size), 1)
    ]


def part_size_of(size: int, wished: int) -> int:
    """Return the length of parts: as wished, or longer where there would be too many.

    Raises:
        UsageError: the wish is less than OSS takes.
    """
    if wished < LEAST_PART:
        raise UsageError(f"a part has at least {LEAST_PART} bytes")
    needed = -(-size // MOST_PARTS)
    return wished if needed <= wished else -(-needed // _MIB) * _MIB
