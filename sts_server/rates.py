"""Rates: how many requests a minute one name may make. A flood of names costs bounded memory."""

import time
from collections import OrderedDict
from math import ceil
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from sts_server.clock import Clock
from sts_server.errors import TooManyRequests

NAMES: Final = 20_000
"""Names counted at the same time: some 6 MiB. One more, and the oldest window is forgotten."""


class Rate:
    """At most so many requests in a minute for each name; the minute begins with the first one."""

    def __init__(
        self, per_minute: int, *, names: int = NAMES, stopwatch: Clock = time.monotonic
    ) -> None:
        """Allow `per_minute` requests, or any number if that is 0."""
        self.per_minute = per_minute
        self._stopwatch = stopwatch
        self._item = RateLimitItemPerMinute(max(per_minute, 1))
        self._windows = _Windows(names, stopwatch)
        self._limiter = FixedWindowRateLimiter(self._windows)

    def wait(self, name: str) -> int:
        """Count one request: 0 if it may go on, else the whole seconds until the next one may."""
        if self.per_minute == 0 or self._limiter.hit(self._item, name):
            return 0
        reset = self._limiter.get_window_stats(self._item, name).reset_time
        return max(1, ceil(reset - self._stopwatch()))

    def admit(self, caller_id: str) -> None:
        """Count one request of a caller; raises TooManyRequests if they ask too often."""
        if wait := self.wait(caller_id):
            raise TooManyRequests("this caller asks too often", retry_after=wait)

    def __len__(self) -> int:
        """Count the names that are counted."""
        return len(self._windows)


class _Windows(Storage):
    """Counts in this process. The library's own memory starts threads and knows no bound.

    All windows are equally long, so the first to begin is the first to end. For one event loop.
    """

    STORAGE_SCHEME = None

    def __init__(self, size: int, stopwatch: Clock) -> None:
        super().__init__()
        self._size = size
        self._stopwatch = stopwatch
        self._windows: OrderedDict[str, list[float]] = OrderedDict()  # count, end

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._stopwatch()
        window = self._windows.get(key)
        if window is None or window[1] <= now:
            self._sweep(now)
            window = self._windows[key] = [0, now + expiry]
            self._windows.move_to_end(key)
            if len(self._windows) > self._size:
                self._windows.popitem(last=False)
        window[0] += amount
        return int(window[0])

    def _sweep(self, now: float) -> None:
        """Forget two windows that are over for each that begins: a flood leaves as it came."""
        for _ in range(2):
            oldest = next(iter(self._windows), None)
            if oldest is None or self._windows[oldest][1] > now:
                return
            del self._windows[oldest]

    def get(self, key: str) -> int:
        window = self._windows.get(key)
        return int(window[0]) if window is not None and window[1] > self._stopwatch() else 0

    def get_expiry(self, key: str) -> float:
        window = self._windows.get(key)
        return self._stopwatch() if window is None else window[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)


UNLIMITED: Final = Rate(0)
"""Refuses nobody."""
