"""The shelves of a cache in memory: what is kept for each caller, in the order of its last use."""

import asyncio
import math
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from sts_server.errors import TooManyRequests
from sts_server.lease import Lease, RoleRequest

LEASES_PER_CALLER: Final = 32
CALLS_PER_CALLER: Final = 30
"""AssumeRole calls that one caller may cause in a minute."""

_MINUTE = 60


@dataclass(slots=True)
class Entry:
    """What is known of one key. All moments are those of a stopwatch.

    Attributes:
        call: the AssumeRole call under way, if there is one.
        retry_at: a failed call is not repeated before this moment while a lease serves.
        away: whether it failed because STS was away, rather than refused us.
        dropped_at: when a lease that OSS refused was last dropped.
    """

    lease: Lease | None = None
    call: asyncio.Task[Lease] | None = None
    retry_at: float = 0
    away: bool = False
    dropped_at: float = -math.inf

    def drop(self, access_key_id: str, now: float) -> None:
        """Drop the lease if it is the one that OSS refused, at most once a minute."""
        if (
            self.lease is not None
            and self.lease.access_key_id == access_key_id
            and now - self.dropped_at >= _MINUTE
        ):
            self.lease = None
            self.dropped_at = now


@dataclass(slots=True)
class Shelf:
    """What is kept for one caller.

    Attributes:
        turns: bounds the calls under way at the same time.
        calls: when AssumeRole was called in the last minute.
    """

    turns: asyncio.Semaphore
    entries: OrderedDict[RoleRequest, Entry] = field(default_factory=OrderedDict)
    calls: deque[float] = field(default_factory=deque)

    def find(self, request: RoleRequest) -> Entry:
        """Give the entry of a key as the one used last; a new one is not yet on the shelf."""
        entry = self.entries.get(request)
        if entry is None:
            return Entry()
        self.entries.move_to_end(request)
        return entry

    def count_call(self, now: float) -> None:
        """Note that AssumeRole is called now.

        Raises:
            TooManyRequests: the caller has had their share of this minute.
        """
        self.forget_calls(now)
        if len(self.calls) >= CALLS_PER_CALLER:
            raise TooManyRequests(
                f"one caller may ask for {CALLS_PER_CALLER} new leases a minute",
                retry_after=math.ceil(self.calls[0] + _MINUTE - now),
            )
        self.calls.append(now)

    def forgive_call(self, moment: float) -> None:
        """Take back a call that never reached STS: it is not held against the caller."""
        if moment in self.calls:
            self.calls.remove(moment)

    def forget_calls(self, now: float) -> None:
        """Forget what is older than a minute."""
        while self.calls and now - self.calls[0] >= _MINUTE:
            self.calls.popleft()

    def remove_oldest(self) -> bool:
        """Remove what was not used for longest, unless it is just being asked for."""
        for request, entry in self.entries.items():
            if entry.call is None:
                del self.entries[request]
                return True
        return False


class Shelves:
    """The shelves of all callers.

    A caller's own leases push out each other. Only when all shelves are full does the caller who
    was away for longest lose one.

    Attributes:
        calls_at_once: calls under way for each caller who comes from now on.
    """

    def __init__(self, size: int, calls_at_once: int) -> None:
        """Keep at most `size` leases; let each caller have so many calls under way."""
        self._size = size
        self.calls_at_once = calls_at_once
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many callers have a shelf."""
        return len(self._shelves)

    @property
    def leases(self) -> int:
        """How many leases are kept, those just being asked for among them."""
        return self._count

    def of(self, caller_id: str) -> Shelf:
        """Give a caller's shelf as the one used last."""
        shelf = self._shelves.get(caller_id)
        if shelf is None:
            shelf = self._shelves[caller_id] = Shelf(asyncio.Semaphore(self.calls_at_once))
        self._shelves.move_to_end(caller_id)
        return shelf

    def put(self, shelf: Shelf, request: RoleRequest, entry: Entry, now: float) -> None:
        """Put an entry on a shelf, and remove another one where there is no room."""
        if request in shelf.entries:
            return
        if len(shelf.entries) >= LEASES_PER_CALLER:
            self._count -= shelf.remove_oldest()
        elif self._count >= self._size:
            self._remove_of_longest_away(now)
        shelf.entries[request] = entry
        self._count += 1

    def _remove_of_longest_away(self, now: float) -> None:
        bare: list[str] = []
        for caller_id, shelf in self._shelves.items():
            removed = shelf.remove_oldest()
            self._count -= removed
            shelf.forget_calls(now)
            # With calls to remember a shelf stays, or they would be forgiven.
            if not shelf.entries and not shelf.calls:
                bare.append(caller_id)
            if removed:
                break
        for caller_id in bare:
            del self._shelves[caller_id]
