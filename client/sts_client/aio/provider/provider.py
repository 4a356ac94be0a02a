"""Keeps one lease fresh for many tasks. When to act is decided in `holding`, not here."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from sts_client.aio.source import AsyncLeaseSource
from sts_client.credentials import Credentials, Lease
from sts_client.errors import TokenUnavailable, UsageError
from sts_client.freshness import Freshness
from sts_client.provider import Holding, Refresh, tell

_FETCHING: ContextVar["_Flight | None"] = ContextVar("sts_client_aio_flight", default=None)


@dataclass(eq=False, slots=True)
class _Flight:
    """A fetch that is under way: the task that does it, in one loop of one process."""

    loop: asyncio.AbstractEventLoop
    process: int
    task: "asyncio.Task[Lease] | None" = None

    def is_over(self) -> bool:
        """Return whether it has ended, or its loop has, or it is another process's."""
        gone = self.loop.is_closed() or self.process != os.getpid()
        return gone or self.task is None or self.task.done()


class AsyncProvider:
    """Hands out the present lease and replaces it in time, for all tasks of one event loop.

    A fresh lease costs one attribute read and one comparison. A stale one is handed out while a
    task behind fetches the next. Of a dead one nothing is handed out: all wait for one fetch and
    get its lease, or its error. Errors are not remembered. Whoever is cancelled while waiting
    leaves the fetch, and all others, as they are.

    It is used from one loop at a time; when that has ended, another goes on with the lease. With a
    pickle goes no lease: a provider that is unpickled fetches its own.

    Args:
        source: where leases come from; one that blocks goes into `InThread`.
        on_refresh: told how each refresh went, in the loop: it must not block. What it raises is
            logged.
        clock: returns seconds since the epoch.
        stopwatch: returns seconds that no correction of the clock changes.
        random: returns a number from 0 to 1, spreads refreshes of many clients.
    """

    def __init__(
        self,
        source: AsyncLeaseSource,
        *,
        on_refresh: Callable[[Refresh], object] | None = None,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._on_refresh = on_refresh
        self._clock = clock
        self._stopwatch = stopwatch
        self._random = random
        self._holding = Holding()
        self._flight: _Flight | None = None

    def __repr__(self) -> str:
        return f"AsyncProvider({self._source!r}, lease={self._holding.lease!r})"

    def __reduce__(
        self,
    ) -> tuple[Callable[[AsyncLeaseSource], "AsyncProvider"], tuple[AsyncLeaseSource]]:
        return partial(AsyncProvider, on_refresh=self._on_refresh), (self._source,)

    async def lease(self) -> Lease:
        """Return the lease to use now.

        Raises:
            StsClientError: there is none to use and none was to be had, for the reason it says.
        """
        holding = self._holding
        lease = holding.lease
        if lease is not None and self._clock() < holding.quiet_until:
            return lease
        return await self._settle()

    async def credentials(self) -> Credentials:
        """Return the credentials of the lease to use now; raises as `lease` does."""
        return (await self.lease()).credentials

    async def refused(self, access_key_id: str) -> Lease:
        """Report that OSS did not accept a key; return the lease to go on with.

        If that key is still the present one its lease is dropped and the source is told; if
        another task has been here before, its work is used. Raises as `lease` does.
        """
        self._holding = self._holding.without(access_key_id)
        return await self.lease()

    async def mistimed(self, lease: Lease) -> Lease:
        """Report that OSS found the time of a request wrong; return the lease to go on with.

        As for a `Provider`: only a new answer tells by how much. Raises as `lease` does.
        """
        self._holding = self._holding.untimed(lease)
        return await self.lease()

    async def _settle(self) -> Lease:
        """Return the lease to use now, after a refresh if need be."""
        while True:
            state = self._holding.state(self._clock())
            held = self._holding.lease
            if held is not None and state is Freshness.FRESH:
                return held
            task = self._started()
            if held is not None and state is Freshness.STALE:
                return held
            # Not awaited itself: whoever is cancelled here would take it, and all others, along.
            await asyncio.wait((task,))
            if not task.cancelled():
                return task.result()
            # Somebody cancelled all tasks there are, and this one goes on all the same.

    def _started(self) -> "asyncio.Task[Lease]":
        """Return the task that fetches, which is begun if there is none."""
        loop = asyncio.get_running_loop()
        flight = self._flight
        if flight is not None and flight.task is not None and not flight.is_over():
            if flight.loop is not loop:
                raise UsageError(
                    "this provider serves another event loop, which is still at it: give each "
                    "loop a provider of its own"
                )
            if _FETCHING.get() is flight:
                raise UsageError(
                    "the source of leases, or its token function, asks the provider that waits "
                    "for it: give it means of its own"
                )
            return flight.task
        flight = self._flight = _Flight(loop, os.getpid())
        flight.task = loop.create_task(self._refresh(flight), name="sts-client-refresh")
        # Nobody may be waiting for its error: the lease that is there still serves.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight.task

    async def _refresh(self, flight: _Flight) -> Lease:
        """Fetch as the one task that does."""
        _FETCHING.set(flight)
        started = self._stopwatch()
        try:
            lease = await self._replace(flight)
        except Exception as error:
            tell(self._on_refresh, Refresh(self._stopwatch() - started, error=error))
            holding = self._holding.put_off(error, self._clock(), self._random)
            if holding is None or holding.lease is None:
                raise
            self._holding = holding
            return holding.lease
        else:
            tell(self._on_refresh, Refresh(self._stopwatch() - started, lease))
            return lease

    async def _replace(self, flight: _Flight) -> Lease:
        """Fetch a lease and hold it in place of the old one."""
        while True:
            refused = self._holding.refused
            try:
                lease = await self._source.fetch(refused=refused)
            except asyncio.CancelledError:
                if flight.task is None or flight.task.cancelling():
                    raise
                # Not this task was cancelled but something that it waited for. Passed on it would
                # look as if this task was, and those who wait would fetch again, and again.
                cancelled = TokenUnavailable(
                    "the token function, or the source of leases, waited for what was cancelled"
                )
                raise cancelled from None
            renewed = self._holding.renewed(lease, refused, self._clock(), self._random)
            if renewed is not None:
                self._holding = renewed
                return lease
