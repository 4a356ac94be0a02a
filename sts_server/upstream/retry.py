"""Decides whether STS is asked once more, and after which pause. Pure.

AssumeRole changes nothing, so asking twice harms nobody but the quota. A refusal stays one, and who
was kept from asking does not join the queue again.
"""

from typing import Final

from sts_server.errors import UpstreamFailure, UpstreamThrottled, UpstreamUnavailable

TRIES: Final = 3
"""Calls at most for one ask while STS is away."""
TRIES_THROTTLED: Final = 2
"""The same where STS asks to slow down."""

_FIRST = 0.2  # seconds: the longest first pause, doubled each time
_FIRST_THROTTLED = 1.0
_LEAST = 0.5  # seconds: with less left, another call would not be answered


def pause(failure: UpstreamFailure, tries: int, left: float, chance: float) -> float | None:
    """Give the seconds to wait before the next call, or None for no more calls.

    Args:
        failure: how the last one ended.
        tries: calls made so far.
        left: seconds until the ask must have its answer.
        chance: from 0 to 1: full jitter, so that many servers do not come back at once.
    """
    if not failure.asked:
        return None
    match failure:
        case UpstreamThrottled():
            again, longest = tries < TRIES_THROTTLED, _FIRST_THROTTLED
        case UpstreamUnavailable():
            again, longest = tries < TRIES, _FIRST * 2 ** (tries - 1)
        case _:
            return None
    seconds = chance * longest
    return seconds if again and seconds + _LEAST <= left else None
