"""The clock: seconds since the epoch as an argument, and how a moment is written on the wire."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], float]
"""Tells the time in seconds since the epoch, UTC."""

system_clock: Clock = time.time

_WIRE = "%Y-%m-%dT%H:%M:%SZ"


def to_wire(moment: float) -> str:
    """Write a moment (seconds since the epoch) as `2026-11-22T12:00:00Z`.

    No fraction and no offset: the official credential readers parse exactly this
    (alibabacloud-credentials, `provider/uri.py`).
    """
    return _written(int(moment))


@lru_cache(maxsize=4096)  # the same few moments are written again and again
def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(_WIRE)


def from_wire(text: str) -> int:
    """Read `2026-11-22T12:00:00Z` as seconds since the epoch.

    Raises:
        ValueError: the text is anything else.
    """
    return int(datetime.strptime(text, _WIRE).replace(tzinfo=UTC).timestamp())
