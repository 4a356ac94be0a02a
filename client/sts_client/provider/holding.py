"""A holding: the lease at hand, and what each event makes of it. Pure: no clock, no lock, no I/O.

A shell keeps one and replaces it whole: `Provider` under a lock, asyncio's within its loop. Moments
are local seconds since the epoch unless a lease's own are meant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sts_client.credentials import Lease
from sts_client.errors import BadLease, VendingError
from sts_client.freshness import Freshness, dead_after, judge, next_attempt, stale_from


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held.

    Attributes:
        lease: the one to hand out, or None.
        quiet_until: until then it is handed out without a second thought.
        refused: AccessKey id that OSS did not accept and no source has been told of, or None.
        failures: refreshes in a row that brought nothing better.
    """

    lease: Lease | None = None
    quiet_until: float = 0.0
    refused: str | None = None
    failures: int = 0

    def state(self, now: float) -> Freshness:
        """Judge the lease; none is dead."""
        lease = self.lease
        if lease is None:
            return Freshness.DEAD
        if now < self.quiet_until:
            return Freshness.FRESH
        state = judge(now + lease.offset, lease.issued, lease.refresh_after, lease.expiry)
        # Jitter is part of quiet_until, which is over.
        return Freshness.STALE if state is Freshness.FRESH else state

    def without(self, access_key_id: str) -> "Holding":
        """Drop the lease of a key that OSS did not accept; one that is not held changes nothing."""
        if self.lease is None or self.lease.credentials.access_key_id != access_key_id:
            return self
        return replace(self, lease=None, refused=access_key_id)

    def untimed(self, lease: Lease) -> "Holding":
        """Drop a lease whose offset is wrong; one that is not held changes nothing."""
        return replace(self, lease=None) if self.lease is lease else self

    def renewed(
        self, lease: Lease, told: str | None, now: float, random: Callable[[], float]
    ) -> "Holding | None":
        """Hold a new lease; None if it is one that may not be held: then fetch again.

        Args:
            lease: what the source gave.
            told: the refused key that the source was told of.
            now: the present moment.
            random: returns a number from 0 to 1.

        Raises:
            BadLease: it is dead already.
        """
        there = now + lease.offset
        if judge(there, lease.issued, lease.refresh_after, lease.expiry) is Freshness.DEAD:
            raise BadLease(
                f"the new lease has only {max(lease.expiry - there, 0):.0f} seconds left, too few "
                f"to use it: the vending server keeps leases for too long, or its clock is wrong"
            )
        if self.refused != told and self.refused == lease.credentials.access_key_id:
            # It was reported while this fetch, which did not name it, was under way.
            return None
        stale = stale_from(lease.issued, lease.refresh_after, lease.expiry, random())
        quiet_until = stale - lease.offset
        if quiet_until > now:
            return Holding(lease, quiet_until)
        # The source has nothing better at the moment: asking at once will not help.
        failures = self.failures + 1
        return Holding(lease, next_attempt(now, failures, random(), None), failures=failures)

    def put_off(
        self, error: Exception, now: float, random: Callable[[], float]
    ) -> "Holding | None":
        """Put off the next attempt after one that failed; None if there is no lease to go on with.

        Args:
            error: why it failed.
            now: the moment it did.
            random: returns a number from 0 to 1.
        """
        lease = self.lease
        if lease is None or self.state(now) is Freshness.DEAD:
            return None
        failures = self.failures + 1
        wait = error.retry_after if isinstance(error, VendingError) else None
        again = next_attempt(now, failures, random(), wait)
        dead = dead_after(lease.issued, lease.expiry) - lease.offset
        return replace(self, quiet_until=min(again, dead), failures=failures)
