"""The queue before STS: so many calls at once, so many a minute, and a short line that sheds.

The line is one of threads, not of the event loop: however many asks the loop has to read, a call
that may begin begins.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from sts_server.clock import Clock
from sts_server.upstream.budget import Budget
from sts_server.upstream.failures import busy, ending

PATIENCE: Final = 2.0
"""Seconds that an ask stands in the line; official readers wait 10 for the whole answer."""

_T = TypeVar("_T")


class Queue:
    """Who may call STS now, in the order they came. For use by all threads."""

    def __init__(
        self,
        *,
        at_once: int,
        budget: Budget,
        length: int,
        patience: float = PATIENCE,
        stopwatch: Clock = time.monotonic,
        rest: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        """Open the queue.

        Args:
            at_once: calls under way at the same time, each in a thread of its own.
            budget: calls a minute.
            length: asks that may stand in the line.
            patience: seconds from an ask's coming to its call, as far as the budget delays it; for
                how long they stand in the line, `cancel` what `enter` gave.
            stopwatch: what the budget is measured with.
            rest: waits for an event or so many seconds, and tells whether it was the event.
        """
        self.patience = patience
        self._places = at_once + length
        self._budget = budget
        self._stopwatch = stopwatch
        self._rest = rest
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="assume-role")
        self._under_way = self._waiting = 0

    @property
    def under_way(self) -> int:
        """How many have had their turn and not ended."""
        return self._under_way

    @property
    def waiting(self) -> int:
        """How many asks stand in the line."""
        return self._waiting

    def enter(self, call: Callable[[], _T]) -> Future[_T]:
        """Join the line with a call; what it gives can be cancelled until the call has begun.

        The call may not be made after all: then it ends in an UpstreamThrottled (no budget in
        time), or is cancelled (the queue was closed).

        Raises:
            UpstreamThrottled: the line is full.
            UpstreamUnavailable: the queue is closed.
        """
        until = self._stopwatch() + self.patience
        with self._lock:
            if self._ending.is_set():
                raise ending()
            if self._under_way + self._waiting >= self._places:
                raise busy(f"{self._waiting} asks wait already (sts.queue)")
            work = self._threads.submit(self._turn, call, until)
            self._waiting += 1
        work.add_done_callback(self._left)
        return work

    def close(self) -> None:
        """Turn away those who wait and those who come; calls under way end by themselves."""
        with self._lock:
            self._ending.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _turn(self, call: Callable[[], _T], until: float) -> _T:
        with self._lock:
            self._waiting -= 1
            self._under_way += 1
        try:
            self._await_budget(until)
            return call()
        finally:
            with self._lock:
                self._under_way -= 1

    def _await_budget(self, until: float) -> None:
        while True:
            with self._lock:
                seconds = self._budget.pause(self._stopwatch())
                if not seconds:
                    self._budget.take()
                    return
            if self._stopwatch() + seconds > until:
                raise busy("as many calls as may be were made (sts.calls_per_minute)")
            if self._rest(self._ending, seconds):
                raise ending()

    def _left(self, work: Future[_T]) -> None:
        if work.cancelled():
            with self._lock:
                self._waiting -= 1
