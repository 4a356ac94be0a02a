"""Keeps one lease fresh for many threads. When to act is decided in `holding`, not here."""

import random
import time
from collections.abc import Callable
from concurrent.futures import InvalidStateError
from contextlib import suppress
from functools import partial
from threading import Lock, get_ident

from sts_client.credentials import Credentials, Lease
from sts_client.freshness import Freshness
from sts_client.provider.flight import Flight
from sts_client.provider.forks import start_over_in_children
from sts_client.provider.holding import Holding
from sts_client.provider.refresh import Refresh, in_background, tell
from sts_client.source import LeaseSource


class _WouldWait(Exception):
    """There is no lease at hand, and whoever asks must not wait for one."""


class Provider:
    """Hands out the present lease and replaces it in time; safe to share between threads.

    A fresh lease costs one attribute read and one comparison. A stale one is handed out while one
    thread in the background fetches the next. Of a dead one nothing is handed out: all wait for
    one fetch and get its lease, or its error. Errors are not remembered. If the thread that fetches
    is interrupted, the next one takes over.

    After a fork the child goes on with the lease it inherited and renews it by itself. With a
    pickle goes no lease: a provider that is unpickled fetches its own.

    Args:
        source: where leases come from.
        on_refresh: told how each refresh went, by the thread that did it. What it raises is logged.
        clock: returns seconds since the epoch.
        stopwatch: returns seconds that no correction of the clock changes.
        random: returns a number from 0 to 1, spreads refreshes of many clients.
        behind: runs a function while whoever calls it goes on.
    """

    def __init__(
        self,
        source: LeaseSource,
        *,
        on_refresh: Callable[[Refresh], object] | None = None,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
        behind: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        self._source = source
        self._on_refresh = on_refresh
        self._clock = clock
        self._stopwatch = stopwatch
        self._random = random
        self._behind = behind
        self._holding = Holding()
        self._flight: Flight | None = None
        self._lock = Lock()
        start_over_in_children(self)

    def __repr__(self) -> str:
        return f"Provider({self._source!r}, lease={self._holding.lease!r})"

    def __reduce__(self) -> tuple[Callable[[LeaseSource], "Provider"], tuple[LeaseSource]]:
        return partial(Provider, on_refresh=self._on_refresh), (self._source,)

    def lease(self) -> Lease:
        """Return the lease to use now.

        Raises:
            StsClientError: there is none to use and none was to be had, for the reason it says.
        """
        holding = self._holding
        lease = holding.lease
        if lease is not None and self._clock() < holding.quiet_until:
            return lease
        return self._settle()

    def ready(self, *, refused: str | None = None) -> Lease | None:
        """Return the lease to use now, or None where `lease` would wait: for an event loop.

        A stale lease is replaced in the background; a dead one only by a call that may wait.

        Args:
            refused: a key that OSS did not accept, which is then reported as by `refused`.
        """
        if refused is not None:
            self._drop(refused)
        try:
            return self._settle(patient=False)
        except _WouldWait:
            return None

    def credentials(self) -> Credentials:
        """Return the credentials of the lease to use now; raises as `lease` does."""
        return self.lease().credentials

    def refused(self, access_key_id: str) -> Lease:
        """Report that OSS did not accept a key; return the lease to go on with.

        If that key is still the present one its lease is dropped and the source is told; if
        another thread has been here before, its work is used. Raises as `lease` does.
        """
        self._drop(access_key_id)
        return self.lease()

    def mistimed(self, lease: Lease) -> Lease:
        """Report that OSS found the time of a request wrong; return the lease to go on with.

        Somebody has set a clock since this lease came. Its key is as good as before, so the source
        is told nothing, but only a new answer tells the offset. If this is not the present lease
        any more, another thread has been here before. Raises as `lease` does.
        """
        with self._lock:
            self._holding = self._holding.untimed(lease)
        return self.lease()

    def _drop(self, access_key_id: str) -> None:
        with self._lock:
            self._holding = self._holding.without(access_key_id)

    def _settle(self, *, patient: bool = True) -> Lease:
        """Return the lease to use now, after a refresh by this thread or another if need be."""
        mine = Flight()
        ours = True
        try:
            while True:
                with self._lock:
                    held, flight = self._holding.lease, self._flight
                    state = self._holding.state(self._clock())
                    served = state is Freshness.FRESH or (state is Freshness.STALE and flight)
                    if held is not None and served:
                        return held
                    if not patient and (held is None or state is Freshness.DEAD):
                        raise _WouldWait
                    if flight is None:
                        flight = self._flight = mine
                if flight is mine and held is not None and state is Freshness.STALE:
                    ours = not self._started_behind(mine)
                    if not ours or not patient:
                        return self._holding.lease or held
                if flight is mine:
                    return self._refresh(mine)
                lease = flight.awaited(partial(self._is_present, flight))
                if lease is not None:
                    return lease
        finally:
            # An interrupt may strike at any line above. No lock, since that could be struck too,
            # and none is needed: as long as this flight is the present one, nobody else ends it.
            if ours:
                self._give_up(mine)

    def _started_behind(self, flight: Flight) -> bool:
        """Start a refresh in the background; return whether that was possible."""

        def refresh() -> None:
            flight.owner = get_ident()
            try:
                # Nobody waits for its error: the lease that is there still serves.
                with suppress(Exception):
                    self._refresh(flight)
            finally:
                self._give_up(flight)

        try:
            self._behind(refresh)
        except RuntimeError:
            # No more threads: there are too many, or the interpreter is on its way out.
            return False
        return True

    def _is_present(self, flight: Flight) -> bool:
        return self._flight is flight

    def _give_up(self, flight: Flight) -> None:
        if self._flight is flight:
            self._flight = None
        flight.cancel()

    def _refresh(self, flight: Flight) -> Lease:
        """Fetch as the one thread that does, and let the others know how it went."""
        started = self._stopwatch()
        try:
            lease = self._replace()
        except Exception as error:
            tell(self._on_refresh, Refresh(self._stopwatch() - started, error=error))
            old = self._after_failure(error)
            if old is None:
                with suppress(InvalidStateError):
                    flight.set_exception(error)
                raise
            lease = old
        else:
            tell(self._on_refresh, Refresh(self._stopwatch() - started, lease))
        # Given up meanwhile, where an interrupt struck just when it had been started behind.
        with suppress(InvalidStateError):
            flight.set_result(lease)
        return lease

    def _replace(self) -> Lease:
        """Fetch a lease and hold it in place of the old one."""
        while True:
            refused = self._holding.refused
            lease = self._source.fetch(refused=refused)
            with self._lock:
                renewed = self._holding.renewed(lease, refused, self._clock(), self._random)
                if renewed is not None:
                    self._holding = renewed
                    self._flight = None
                    return lease

    def _after_failure(self, error: Exception) -> Lease | None:
        """Put off the next attempt and return the old lease, if that is still to be used."""
        with self._lock:
            self._flight = None
            holding = self._holding.put_off(error, self._clock(), self._random)
            if holding is None:
                return None
            self._holding = holding
            return holding.lease

    def start_over(self) -> None:
        """Begin anew in a forked child, with the lease that was inherited."""
        # A forked child finds the lock as it was at that moment, perhaps held by a thread that
        # exists only in the parent, as does whoever would end the flight.
        self._lock = Lock()
        self._flight = None
