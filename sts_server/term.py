"""A term: how long a lease may live, and the moment that it must not outlive."""

from dataclasses import dataclass
from typing import Final

from sts_server.errors import CallerNotAllowed, GrantDenied
from sts_server.scope import LONGEST, SHORTEST, Caller, Grant, Wish

STEP: Final = 300
"""Seconds. What is left of a proof counts in whole steps, rounded down.

The duration is part of the cache's key. Were it to shrink each second, each ask would be a new
AssumeRole; so a caller causes one more for a step at most, and asks within a step share a lease.
"""

SLACK: Final = 60
"""Seconds for the call to STS, whose clock starts later than ours and may be ahead of it."""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a lease may live.

    Attributes:
        duration: seconds to ask of STS.
        end: seconds since the epoch that the lease must not outlive; None if there is no such end.
    """

    duration: int
    end: float | None = None

    def hold(self, expiry: float) -> None:
        """Hold a lease against the end, whoever asked for it and whatever STS made of it.

        Raises:
            CallerNotAllowed: it would outlive the proof.
        """
        if self.end is not None and expiry > self.end:
            raise CallerNotAllowed(
                "a lease would outlive your proof of who you are, which ends soon; sign in again"
            )


def term(grant: Grant, caller: Caller, wish: Wish, now: float) -> Term:
    """Decide how long a lease may live: as wished, as granted, or as long as the caller's proof.

    A proof without an end sets none. A cached lease of the same duration was asked for earlier, so
    it ends earlier too.

    Raises:
        GrantDenied: the wish is for longer than the grant gives.
        CallerNotAllowed: the proof ends before the shortest lease that STS gives would. It is not
            the grant that is missing but a new proof, whatever the wish.
    """
    duration = grant.duration if wish.duration is None else wish.duration
    if duration > grant.duration:
        raise GrantDenied(f"duration is more than this grant gives ({grant.duration} seconds)")
    if not grant.end_with_token or caller.expires is None:
        return Term(duration)
    left = caller.expires - now
    # Said so that what is no number, if a login lets one through, is too little as well.
    if not left >= SHORTEST:
        raise CallerNotAllowed(
            f"your proof of who you are ends in less than {SHORTEST} seconds, and no lease is "
            "shorter; sign in again"
        )
    steps = int(min(left - SLACK, LONGEST)) // STEP * STEP
    return Term(min(duration, max(steps, SHORTEST)), caller.expires)
