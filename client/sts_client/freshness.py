"""Whether a lease is used, used while it is replaced, or not used: pure, no clock, no I/O.

``tests/vectors/freshness.json`` holds the same decision as a table that other languages run too.
All times are seconds on one clock, the vending server's.
"""

from enum import Enum

LEAST_MARGIN = 60.0
"""Seconds before expiry from which on no request is started, whatever the lease's life."""
MOST_MARGIN = 300.0
"""Seconds of margin that are enough even for a lease of many hours."""
MARGIN_SHARE = 0.1
"""Share of its life that a lease of ordinary length keeps as margin."""
JITTER_SHARE = 0.1
"""Share of the time between stale and dead over which many clients spread their refreshes."""
FIRST_DELAY = 1.0
"""Seconds after the first failed refresh."""
MOST_DELAY = 60.0
"""Seconds between attempts at the most."""


class Freshness(Enum):
    """The three states of a lease."""

    FRESH = "fresh"
    """Use it."""
    STALE = "stale"
    """Use it; one asks for the next."""
    DEAD = "dead"
    """Do not use it; all wait for the next."""


def dead_after(issued: float, expiry: float) -> float:
    """Return the last moment at which the lease may be used.

    What is kept back covers a request that is on its way and what is left of clock error.
    """
    margin = max(LEAST_MARGIN, min(MARGIN_SHARE * (expiry - issued), MOST_MARGIN))
    return expiry - margin


def stale_from(
    issued: float, refresh_after: float | None, expiry: float, jitter: float = 0.0
) -> float:
    """Return the moment from which on the lease should be replaced.

    Args:
        issued: when the credentials were made.
        refresh_after: what the server said, or None for half of the life.
        expiry: when they end.
        jitter: 0 to 1, drawn once per lease: delays, and never beyond `dead_after`.
    """
    start = issued + (expiry - issued) / 2 if refresh_after is None else refresh_after
    end = dead_after(issued, expiry)
    if start >= end:
        return end
    return start + JITTER_SHARE * jitter * (end - start)


def judge(
    now: float, issued: float, refresh_after: float | None, expiry: float, jitter: float = 0.0
) -> Freshness:
    """Judge a lease at one moment; arguments as for `stale_from`."""
    if now > dead_after(issued, expiry):
        return Freshness.DEAD
    if now >= stale_from(issued, refresh_after, expiry, jitter):
        return Freshness.STALE
    return Freshness.FRESH


def next_attempt(now: float, failures: int, jitter: float, retry_after: float | None) -> float:
    """Return when to try again after a refresh failed while the old lease still serves.

    The delay doubles from one second to one minute and lies in the upper half of that span, so
    that clients which failed together do not come back together.

    Args:
        now: the moment of the failure.
        failures: how many attempts in a row have failed, at least 1.
        jitter: 0 to 1, drawn for each attempt.
        retry_after: seconds the server asked for, or None; never undercut.
    """
    # The exponent is bounded before it is used: 2.0**failures would overflow one day.
    span = min(FIRST_DELAY * 2.0 ** min(failures - 1, 16), MOST_DELAY)
    return now + max(span * (0.5 + 0.5 * jitter), retry_after or 0.0)
