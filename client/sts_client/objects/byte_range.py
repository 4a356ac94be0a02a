"""Part of an object: how it is asked for, and whether it is what comes."""

import re
from collections.abc import Mapping

from sts_client.errors import UsageError

ByteRange = tuple[int, int | None]
"""First and last byte, both included as in RFC 9110, section 14.1.2; None reads to the end."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)


def range_headers(byte_range: ByteRange) -> Mapping[str, str]:
    """Return the headers that ask for a range; raises `UsageError` if it is none."""
    match byte_range:
        case (int(first), None) if first >= 0:
            end = ""
        case (int(first), int(last)) if 0 <= first <= last:
            end = str(last)
        case _:
            raise UsageError(
                "byte_range is (first, last), both counted from 0, last not before first"
            )
    return {
        "Range": f"bytes={first}-{end}",
        # Else a range beyond the end would be answered with the whole object ("GetObject").
        "x-oss-range-behavior": "standard",
    }


def whole_size(byte_range: ByteRange, content_range: str, length: int) -> int | None:
    """Return the size of the whole object, or None if another range comes than was asked for.

    Args:
        byte_range: what was asked for.
        content_range: the header of the answer.
        length: of the answer's body.
    """
    found = _CONTENT_RANGE.fullmatch(content_range)
    if found is None:
        return None
    first, last, size = (int(number) for number in found.groups())
    asked_first, asked_last = byte_range
    # Only the object's end may cut a range: else a part would be missing and nobody told.
    end = size - 1 if asked_last is None else min(asked_last, size - 1)
    comes = (first, last) == (asked_first, end) and length == last - first + 1
    return size if comes else None
