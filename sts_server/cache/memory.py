"""Keeps one live lease per key in memory: one AssumeRole at a time for each, bounded per caller."""

import asyncio
import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from sts_server.clock import Clock, system_clock
from sts_server.errors import TooManyRequests, UpstreamThrottled, UpstreamUnavailable
from sts_server.lease import Lease, RoleRequest, State, is_usable, state

LEASES_PER_CALLER: Final = 32
CALLS_PER_CALLER: Final = 30
"""AssumeRole calls that one caller may cause in a minute."""

_MINUTE = 60
_RETRY_UPSTREAM = 10  # seconds without asking STS again while an older lease serves
_REFRESH_SOON = 60  # seconds after which whoever got such an older lease should ask again

_AWAY = (UpstreamUnavailable, UpstreamThrottled)

AssumeRole = Callable[[RoleRequest], Awaitable[Lease]]


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache gives: a lease, when to ask for the next, and whether it was there before."""

    lease: Lease
    refresh_after: int
    cached: bool


@dataclass(slots=True)
class _Entry:
    lease: Lease | None = None
    call: asyncio.Task[Lease] | None = None
    retry_at: float = 0  # a failed refresh is not tried again before this moment
    away: bool = False  # whether it failed because STS was away, rather than refused us
    dropped_at: float = float("-inf")  # when a refused lease was last dropped


@dataclass(slots=True)
class _Shelf:
    """What is kept for one caller: entries, and when AssumeRole was called in the last minute."""

    entries: OrderedDict[RoleRequest, _Entry] = field(default_factory=OrderedDict)
    calls: deque[float] = field(default_factory=deque)


class MemoryCache:
    """One live lease per caller and exact AssumeRole arguments.

    For use on one event loop. Callers stand in the order of their last use, and so do the leases of
    each; what was not used for longest goes first, so one caller only ever pushes out their own.
    """

    def __init__(
        self, assume_role: AssumeRole, *, size: int = 10_000, clock: Clock = system_clock
    ) -> None:
        """Keep at most `size` leases, asking `assume_role` for each that is missing."""
        self._assume_role = assume_role
        self._size = size
        self._clock = clock
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._count = 0

    async def lease(self, caller_id: str, request: RoleRequest, refused: str | None = None) -> Held:
        """Give the live lease of a key, asking STS for one where there is none.

        Args:
            caller_id: whose it is; two callers never share a lease.
            request: the exact AssumeRole arguments.
            refused: the AccessKeyId of a lease that OSS rejected: dropped if it is the one kept
                here, at most once a minute.

        Raises:
            UpstreamFailure: STS gave no lease and no older one is usable.
            TooManyRequests: the caller caused too many AssumeRole calls and has no usable lease.
        """
        shelf, entry = self._find(caller_id, request)
        now = self._clock()
        if refused is not None:
            self._drop(entry, refused, now)
        held = entry.lease
        if held is not None:
            match state(held, now):
                case State.FRESH:
                    return Held(held, held.half_life, cached=True)
                case State.STALE:
                    self._refresh_behind(shelf, entry, request, now)
                    return Held(held, held.half_life, cached=True)
                case State.DEAD if entry.away and now < entry.retry_at and is_usable(held, now):
                    return Held(held, int(now) + _REFRESH_SOON, cached=True)
                case State.DEAD:
                    pass
        try:
            call = entry.call or self._start(shelf, entry, request, now)
            # A caller who goes away must not take the call from the others who wait for it.
            new = await asyncio.shield(call)
        except (*_AWAY, TooManyRequests):
            now = self._clock()
            if entry.lease is None or not is_usable(entry.lease, now):
                raise
            return Held(entry.lease, int(now) + _REFRESH_SOON, cached=True)
        return Held(new, new.half_life, cached=False)

    def _find(self, caller_id: str, request: RoleRequest) -> tuple[_Shelf, _Entry]:
        shelf = self._shelves.setdefault(caller_id, _Shelf())
        self._shelves.move_to_end(caller_id)
        entry = shelf.entries.get(request)
        if entry is None:
            entry = shelf.entries[request] = _Entry()
            self._count += 1
            self._make_room(shelf)
        shelf.entries.move_to_end(request)
        return shelf, entry

    def _make_room(self, shelf: _Shelf) -> None:
        if len(shelf.entries) > LEASES_PER_CALLER:
            shelf.entries.popitem(last=False)
            self._count -= 1
        elif self._count > self._size:
            longest_unused, theirs = next(iter(self._shelves.items()))
            theirs.entries.popitem(last=False)
            self._count -= 1
            if not theirs.entries:
                del self._shelves[longest_unused]

    def _drop(self, entry: _Entry, refused: str, now: float) -> None:
        if (
            entry.lease is not None
            and entry.lease.access_key_id == refused
            and now - entry.dropped_at >= _MINUTE
        ):
            entry.lease = None
            entry.dropped_at = now

    def _refresh_behind(
        self, shelf: _Shelf, entry: _Entry, request: RoleRequest, now: float
    ) -> None:
        if entry.call is None and now >= entry.retry_at:
            # Whoever asks too often keeps the lease they have; the next one can wait.
            with contextlib.suppress(TooManyRequests):
                self._start(shelf, entry, request, now)

    def _start(
        self, shelf: _Shelf, entry: _Entry, request: RoleRequest, now: float
    ) -> asyncio.Task[Lease]:
        while shelf.calls and now - shelf.calls[0] >= _MINUTE:
            shelf.calls.popleft()
        if len(shelf.calls) >= CALLS_PER_CALLER:
            wait = math.ceil(shelf.calls[0] + _MINUTE - now)
            raise TooManyRequests(
                f"one caller may ask for {CALLS_PER_CALLER} new leases a minute", retry_after=wait
            )
        shelf.calls.append(now)
        entry.call = asyncio.create_task(self._fetch(entry, request))
        entry.call.add_done_callback(_take_notice)
        return entry.call

    async def _fetch(self, entry: _Entry, request: RoleRequest) -> Lease:
        try:
            lease = await self._assume_role(request)
        except Exception as error:
            entry.retry_at = self._clock() + _RETRY_UPSTREAM
            entry.away = isinstance(error, _AWAY)
            raise
        else:
            entry.lease, entry.retry_at = lease, 0
            return lease
        finally:
            entry.call = None


def _take_notice(call: asyncio.Task[Lease]) -> None:
    """Look at a call's error even where nobody waits for it, or asyncio would complain."""
    if not call.cancelled():
        call.exception()
