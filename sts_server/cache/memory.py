"""Keeps one live lease per key in memory, with one AssumeRole at a time for each."""

import asyncio
import contextlib
import time
from typing import Final

from sts_server.cache.counts import Counts
from sts_server.cache.shelves import Entry, Shelf, Shelves
from sts_server.clock import Clock, system_clock
from sts_server.errors import (
    TooManyRequests,
    UpstreamFailure,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.lease import AssumeRole, Held, Lease, RoleRequest, State, is_usable, state

PATIENCE: Final = 3.0
"""Seconds to wait for a new lease where an older one is still usable: official readers wait 10.

Also the seconds to wait for the caller's own calls that are under way.
"""

_RETRY_UPSTREAM = 10  # seconds without asking STS again while an older lease serves
_REFRESH_SOON = 60  # seconds after which whoever got such an older lease should ask again
_RETRY_AFTER = 5  # seconds: what a caller is told whose own calls are still under way
_AWAY = (UpstreamUnavailable, UpstreamThrottled)


class MemoryCache:
    """One live lease per caller and exact AssumeRole arguments. For use on one event loop.

    Attributes:
        assume_role: asks STS; replaced when the server's settings change, while the leases stay.
    """

    def __init__(
        self,
        assume_role: AssumeRole,
        *,
        size: int = 10_000,
        calls_at_once: int = 4,
        patience: float = PATIENCE,
        counts: Counts | None = None,
        clock: Clock = system_clock,
        stopwatch: Clock = time.monotonic,
    ) -> None:
        """Keep leases.

        Args:
            assume_role: asks STS for one.
            size: leases kept at most.
            calls_at_once: calls under way for one caller, so that others find room while STS hangs.
            patience: seconds to wait for STS where an older lease is usable, and for a turn.
            counts: what is added to; counts of its own by default.
            clock: judges the life of leases.
            stopwatch: measures rates and pauses; unlike a clock it is never set.
        """
        self.assume_role = assume_role
        self.shelves = Shelves(size, calls_at_once)
        self.counts = counts or Counts()
        self._patience = patience
        self._clock = clock
        self._stopwatch = stopwatch

    async def lease(self, caller_id: str, request: RoleRequest, refused: str | None = None) -> Held:
        """Give the live lease of a key, asking STS for one where there is none.

        Args:
            caller_id: whose it is; two callers never share a lease.
            request: the exact AssumeRole arguments.
            refused: the AccessKeyId of a lease that OSS rejected: dropped if it is the one kept
                here, at most once a minute.

        Raises:
            UpstreamFailure: STS gave no lease and no older one is usable.
            TooManyRequests: a new lease is due, and the caller caused too many AssumeRole calls.
        """
        shelf = self.shelves.of(caller_id)
        entry = shelf.find(request)
        if refused is not None:
            entry.drop(refused, self._stopwatch())
        held = entry.lease
        now = State.DEAD if held is None else state(held, self._clock())
        if held is None or now is State.DEAD:
            return await self._replace(shelf, entry, request)
        if now is State.STALE:
            self._refresh_behind(shelf, entry, request)
        self.counts.hits += 1
        return Held(held, held.half_life, cached=True)

    async def _replace(self, shelf: Shelf, entry: Entry, request: RoleRequest) -> Held:
        """Wait for a new lease, with the old one as a spare for when STS is away."""
        spare = entry.lease
        if spare is not None and is_usable(spare, self._clock()):
            if entry.away and self._stopwatch() < entry.retry_at:
                self.counts.hits += 1
                return self._spared(spare)
            call = self._join(shelf, entry, request)
            await asyncio.wait({call}, timeout=self._patience)
            if not call.done() and entry.lease is spare:
                return self._spared(spare)
        else:
            call = self._join(shelf, entry, request)
        try:
            # A caller who goes away must not take the call from the others who wait for it.
            new = await asyncio.shield(call)
        except asyncio.CancelledError:
            if not call.cancelled():
                raise  # it is the caller who went away
            raise UpstreamUnavailable(
                "this server is ending; ask again in a moment",
                hint="the call was cancelled",
                retry_after=_RETRY_AFTER,
                asked=False,
            ) from None
        except _AWAY:
            if spare is None or entry.lease is not spare or not is_usable(spare, self._clock()):
                raise
            return self._spared(spare)
        return Held(new, new.half_life, cached=False)

    def _spared(self, lease: Lease) -> Held:
        return Held(lease, int(self._clock()) + _REFRESH_SOON, cached=True)

    def _refresh_behind(self, shelf: Shelf, entry: Entry, request: RoleRequest) -> None:
        if entry.call is None and self._stopwatch() >= entry.retry_at:
            # Whoever asks too often keeps the lease they have; the next one can wait.
            with contextlib.suppress(TooManyRequests):
                self._start(shelf, entry, request)
                self.counts.refreshes += 1

    def _join(self, shelf: Shelf, entry: Entry, request: RoleRequest) -> asyncio.Task[Lease]:
        """Wait with the others for the call under way, or start one."""
        if entry.call is not None:
            self.counts.waiters += 1
            return entry.call
        call = self._start(shelf, entry, request)
        self.counts.misses += 1
        return call

    def _start(self, shelf: Shelf, entry: Entry, request: RoleRequest) -> asyncio.Task[Lease]:
        now = self._stopwatch()
        shelf.count_call(now)
        self.shelves.put(shelf, request, entry, now)
        entry.call = asyncio.create_task(self._fetch(shelf, entry, request, now))
        entry.call.add_done_callback(_take_notice)
        return entry.call

    async def _fetch(
        self, shelf: Shelf, entry: Entry, request: RoleRequest, started: float
    ) -> Lease:
        try:
            await self._turn(shelf)
            try:
                lease = await self.assume_role(request)
            finally:
                shelf.turns.release()
        except Exception as error:
            entry.retry_at = self._stopwatch() + _RETRY_UPSTREAM
            entry.away = isinstance(error, _AWAY)
            if isinstance(error, UpstreamFailure) and not error.asked:
                shelf.forgive_call(started)
            raise
        else:
            entry.lease, entry.retry_at = lease, 0
            return lease
        finally:
            entry.call = None

    async def _turn(self, shelf: Shelf) -> None:
        """Wait until fewer of the caller's calls are under way, but not for long."""
        try:
            async with asyncio.timeout(self._patience):
                await shelf.turns.acquire()
        except TimeoutError:
            raise UpstreamThrottled(
                "too many of this caller's leases wait for STS; ask again in a moment",
                hint="as many of one caller's calls are under way as may be",
                retry_after=_RETRY_AFTER,
                asked=False,
            ) from None


def _take_notice(call: asyncio.Task[Lease]) -> None:
    """Look at a call's error even where nobody waits for it, or asyncio would complain."""
    if not call.cancelled():
        call.exception()
