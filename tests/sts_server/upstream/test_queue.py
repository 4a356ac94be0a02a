"""The queue before STS: in the order they came, within bounds, and nobody is left behind."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.errors import UpstreamThrottled, UpstreamUnavailable
from sts_server.upstream.budget import Budget
from sts_server.upstream.queue import Queue


@dataclass
class Calls:
    """Calls that end when they are told to, and what is known of them."""

    began: "threading.Semaphore" = field(default_factory=lambda: threading.Semaphore(0))
    go_on: "threading.Semaphore" = field(default_factory=lambda: threading.Semaphore(0))
    order: list[int] = field(default_factory=list)

    def enter(self, queue: Queue, number: int = 0) -> Future[int]:
        def call() -> int:
            self.order.append(number)
            self.began.release()
            self.go_on.acquire()
            return number

        return queue.enter(call)


@dataclass
class Rest:
    """A rest that takes no time, and a stopwatch that moves with it."""

    now: float = 0.0
    rested: list[float] = field(default_factory=list)
    ends: bool = False

    def __call__(self) -> float:
        return self.now

    def rest(self, ending: threading.Event, seconds: float) -> bool:
        self.rested.append(seconds)
        self.now += seconds
        return self.ends or ending.is_set()


@contextmanager
def opened(
    at_once: int = 1, length: int = 10, calls_per_minute: int = 6000, rest: Rest | None = None
) -> Iterator[Queue]:
    rest = rest or Rest()
    queue = Queue(
        at_once=at_once,
        budget=Budget(calls_per_minute),
        length=length,
        stopwatch=rest,
        rest=rest.rest,
    )
    yield queue
    queue.close()


def test_turns_come_in_the_order_of_asking() -> None:
    calls = Calls()
    with opened() as queue:
        asks = [calls.enter(queue, number) for number in range(4)]
        for number in range(4):
            calls.began.acquire()
            assert (queue.under_way, queue.waiting) == (1, 3 - number)
            calls.go_on.release()
            assert asks[number].result() == number
    assert calls.order == [0, 1, 2, 3]


def test_no_more_calls_are_under_way_than_may_be() -> None:
    calls = Calls()
    with opened(at_once=2) as queue:
        asks = [calls.enter(queue) for _ in range(5)]
        for _ in range(2):
            calls.began.acquire()
        assert not calls.began.acquire(timeout=0.1)
        assert (queue.under_way, queue.waiting) == (2, 3)
        calls.go_on.release(5)
        assert [ask.result() for ask in asks] == [0] * 5
    assert (queue.under_way, queue.waiting) == (0, 0)


@pytest.mark.parametrize("length", [0, 3])
def test_who_finds_the_line_full_is_shed(length: int) -> None:
    calls = Calls()
    with opened(at_once=2, length=length) as queue:
        asks = [calls.enter(queue) for _ in range(2 + length)]
        for _ in range(2):
            with pytest.raises(UpstreamThrottled) as shed:
                calls.enter(queue)
            assert shed.value.retry_after
            assert not shed.value.asked
        calls.go_on.release()
        wait(asks, return_when=FIRST_COMPLETED)
        asks.append(calls.enter(queue))
        calls.go_on.release(99)
        assert [ask.result() for ask in asks] == [0] * (3 + length)


def test_who_goes_away_leaves_the_line_to_the_others() -> None:
    calls = Calls()
    with opened(length=2) as queue:
        first, gone, stays = (calls.enter(queue, number) for number in range(3))
        calls.began.acquire()
        assert gone.cancel()
        assert (queue.under_way, queue.waiting) == (1, 1)
        # A call that has begun is not taken back.
        assert not first.cancel()
        calls.enter(queue, 3)
        calls.go_on.release(3)
        assert stays.result() == 2
    assert calls.order[:2] == [0, 2]


def test_a_call_that_fails_frees_its_place() -> None:
    def fails() -> None:
        raise UpstreamUnavailable("", hint="")

    with opened(length=0) as queue:
        for _ in range(3):
            with pytest.raises(UpstreamUnavailable):
                queue.enter(fails).result()


def test_at_its_end_all_who_wait_and_all_who_come_are_turned_away() -> None:
    calls = Calls()
    with opened() as queue:
        asks = [calls.enter(queue, number) for number in range(4)]
        calls.began.acquire()
        queue.close()
        for ask in asks[1:]:
            with pytest.raises(CancelledError):
                ask.result()
        with pytest.raises(UpstreamUnavailable):
            calls.enter(queue)
        assert (queue.under_way, queue.waiting) == (1, 0)
        calls.go_on.release()
        assert asks[0].result() == 0
    assert calls.order == [0]


def test_the_budget_delays_a_call_or_refuses_it() -> None:
    rest = Rest()
    with opened(calls_per_minute=60, rest=rest) as queue:
        for _ in range(10):
            queue.enter(int).result()
        assert rest.rested == []
        queue.enter(int).result()
        assert rest.rested == [pytest.approx(60 / 50)]
    rest = Rest()
    with opened(calls_per_minute=6, rest=rest) as queue:
        queue.enter(int).result()
        with pytest.raises(UpstreamThrottled) as shed:
            queue.enter(int).result()
        assert "sts.calls_per_minute" in shed.value.hint
        assert not shed.value.asked
        assert rest.rested == []


def test_who_waits_for_the_budget_at_the_end_does_not_call() -> None:
    rest = Rest(ends=True)
    with opened(calls_per_minute=60, rest=rest) as queue:
        for _ in range(10):
            queue.enter(int).result()
        with pytest.raises(UpstreamUnavailable):
            queue.enter(int).result()


# The budget


@given(
    st.integers(6, 6000),
    st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=30),
)
def test_no_minute_sees_more_calls_than_were_configured(
    calls_per_minute: int, pauses: list[float]
) -> None:
    """Rushes of all that may be called, at any moments."""
    budget, now = Budget(calls_per_minute), 0.0
    calls: list[float] = []
    for rest in pauses:
        now += rest
        while budget.pause(now) == 0:
            budget.take()
            calls.append(now)
    for start in set(calls):
        assert sum(start <= call < start + 60 for call in calls) <= calls_per_minute + 1e-6


def test_after_the_pause_that_it_tells_a_call_may_be_made() -> None:
    budget = Budget(60)
    for _ in range(10):
        assert budget.pause(100.0) == 0
        budget.take()
    pause = budget.pause(100.0)
    assert pause == pytest.approx(1.2)
    assert budget.pause(100.0 + pause / 2) == pytest.approx(pause / 2)
    assert budget.pause(100.0 + pause + 1e-6) == 0


def test_a_stopwatch_that_stands_still_gives_nothing() -> None:
    budget = Budget(6)
    budget.pause(50.0)
    budget.take()
    assert budget.pause(50.0) == pytest.approx(12)
    assert budget.pause(40.0) == pytest.approx(12)
