"""STS as the rest of the server knows it: a lease, or a refusal, within a known time."""

import asyncio
import functools
import math
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from sts_server.clock import Clock, system_clock
from sts_server.errors import UpstreamFailure, UpstreamThrottled, UpstreamUnavailable
from sts_server.identity import Identity
from sts_server.lease import Lease, RoleRequest
from sts_server.upstream.answers import read_identity, read_lease
from sts_server.upstream.budget import Budget
from sts_server.upstream.failures import busy, ending, unavailable
from sts_server.upstream.queue import Queue
from sts_server.upstream.retry import pause
from sts_server.upstream.sdk import Connection, Times

ANSWERED: Final = "answered"
"""How a call ended that gave a lease; one that did not has the name of its failure."""

Observed = Callable[[RoleRequest, str, float], None]
"""Is told how each AssumeRole call ended, and the seconds it took, in the thread of the call."""

_T = TypeVar("_T")


def observe_nothing(_request: RoleRequest, _outcome: str, _seconds: float) -> None:
    """Observe nothing."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much, how often and how long STS is asked.

    Attributes:
        max_calls: AssumeRole calls under way at the same time.
        calls_per_minute: AssumeRole calls in any minute.
        queue: asks that may wait for their turn.
        connect_timeout: seconds to reach STS.
        read_timeout: seconds to wait for its answer.
        deadline: seconds for one ask with its wait, its calls and the pauses between them.
    """

    max_calls: int = 8
    calls_per_minute: int = 3000
    queue: int = 100
    connect_timeout: float = 2
    read_timeout: float = 4
    deadline: float = 6


class Sts:
    """Asks STS through a bounded number of threads. For use on one event loop."""

    def __init__(
        self,
        connection: Connection,
        bounds: Bounds = Bounds(),
        *,
        clock: Clock = system_clock,
        stopwatch: Clock = time.monotonic,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        observed: Observed = observe_nothing,
    ) -> None:
        """Take the parts.

        Args:
            connection: makes the calls.
            bounds: of all that is done here.
            clock: tells when a lease was asked for.
            stopwatch: measures seconds; unlike a clock it is never set.
            chance: a number from 0 to 1, for the pauses between calls.
            sleep: waits for so many seconds.
            observed: is told how each AssumeRole call ended.
        """
        self._connection = connection
        self._bounds = bounds
        self._clock = clock
        self._stopwatch = stopwatch
        self._chance = chance
        self._sleep = sleep
        self._observed = observed
        self._queue = Queue(
            at_once=bounds.max_calls,
            budget=Budget(bounds.calls_per_minute),
            length=bounds.queue,
            stopwatch=stopwatch,
        )
        # Not one of the queue's: who probes whether STS is there must not wait for those who hang.
        self._probe = ThreadPoolExecutor(1, thread_name_prefix="caller-identity")
        self._closed = False

    @property
    def under_way(self) -> int:
        """How many AssumeRole calls are under way."""
        return self._queue.under_way

    @property
    def waiting(self) -> int:
        """How many asks wait for their turn to call."""
        return self._queue.waiting

    async def assume_role(self, request: RoleRequest) -> Lease:
        """Ask for one lease, again where that is of use, within the deadline.

        Raises:
            UpstreamUnavailable: no answer, none that can be understood, or this server is ending.
            UpstreamThrottled: STS asks to slow down, or it was asked as often as it may be.
            UpstreamRefused: STS refused our key, role or policy.
        """
        until = self._stopwatch() + self._bounds.deadline
        tries = 0
        while True:
            tries += 1
            work = self._queue.enter(functools.partial(self._call, request, until))
            try:
                return await self._answer(work, until, patience=self._queue.patience)
            except (UpstreamUnavailable, UpstreamThrottled) as failure:
                seconds = pause(failure, tries, until - self._stopwatch(), self._chance())
                if seconds is None:
                    raise
            await self._sleep(seconds)

    async def identity(self) -> Identity:
        """Ask STS who we are; needs no right. Raises as `assume_role`."""
        if self._closed:
            raise ending()
        until = self._stopwatch() + self._bounds.deadline
        work = self._probe.submit(self._connection.get_caller_identity, self._times(until))
        return read_identity(await self._answer(work, until))

    def close(self) -> None:
        """Start no further call; whoever waits for a turn is refused now.

        Calls under way end by themselves, within their time-outs, and their answers count.
        """
        self._closed = True
        self._queue.close()
        self._probe.shutdown(wait=False, cancel_futures=True)
        self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _call(self, request: RoleRequest, until: float) -> Lease:
        issued, started = int(self._clock()), self._stopwatch()
        outcome = ANSWERED
        try:
            return read_lease(self._connection.assume_role(request, self._times(until)), issued)
        except UpstreamFailure as failure:
            outcome = failure.code
            raise
        finally:
            self._observed(request, outcome, self._stopwatch() - started)

    async def _answer(self, work: Future[_T], until: float, patience: float = math.inf) -> _T:
        """Wait for a call to begin, as long as there is patience, and to end, until the deadline.

        Threads cannot be stopped: a call that has begun goes on, even if nobody waits for it.
        """
        answer = asyncio.wrap_future(work)
        answer.add_done_callback(_take_notice)
        try:
            left = until - self._stopwatch()
            await asyncio.wait({answer}, timeout=max(0.0, min(left, patience)))
            if not work.cancelled() and work.cancel():
                raise busy("no turn in time (sts.max_calls)")
            await asyncio.wait({answer}, timeout=max(0.0, until - self._stopwatch()))
        finally:
            work.cancel()
        if work.cancelled():
            raise ending()
        if not work.done():
            raise unavailable(f"no answer within {self._bounds.deadline:g} s (sts.deadline)")
        return work.result()

    def _times(self, until: float) -> Times:
        left = max(0.1, until - self._stopwatch())
        return Times(
            connect=min(self._bounds.connect_timeout, left),
            read=min(self._bounds.read_timeout, left),
        )


def _take_notice(answer: asyncio.Future[Any]) -> None:
    """Look at an error even where nobody waits for it any more, or asyncio would complain."""
    if not answer.cancelled():
        answer.exception()
