"""Many threads, one lease: who fetches, who waits, who gets what."""

import copy
import linecache
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest

from sts_client import Lease, Provider, Refresh, StsClientError
from sts_client.errors import BadLease, ServerUnavailable, TooManyRequests, UsageError
from sts_client.provider import flight as flight_module
from sts_client.provider import provider as provider_module
from tests.sts_client.stage import NOW, SECRETS, Queue, Travelling, lease


class Clock:
    """A clock that stands where a test puts it."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def provider(source: Queue, clock: Clock, jitter: float = 0.0) -> Provider:
    return Provider(source, clock=clock, random=lambda: jitter, behind=lambda work: work())


class Gate(Queue):
    """A source that holds whoever fetches until it is opened."""

    def __init__(self, *things: Lease | Exception) -> None:
        super().__init__(*things)
        self.entered = threading.Event()
        self.opened = threading.Event()

    def fetch(self, *, refused: str | None = None) -> Lease:
        self.entered.set()
        assert self.opened.wait(10)
        return super().fetch(refused=refused)


def all_wait(provider: Provider, count: int) -> Callable[[], bool]:
    """Return whether so many threads wait for the flight of a provider."""

    def waiting() -> bool:
        flight = provider._flight
        if flight is None:
            return False
        with flight._condition:
            return len(flight._condition._waiters) >= count  # type: ignore[attr-defined]  # CPython's own list

    return waiting


def until(condition: Callable[[], bool]) -> None:
    """Give way to other threads until a condition holds."""
    pause = threading.Event()
    for _ in range(10_000):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("it never came to that")


def test_fresh_is_one_fetch() -> None:
    clock, source = Clock(), Queue(lease(1), lease(2))
    ours = provider(source, clock)
    first = ours.lease()
    clock.now = NOW + 1799
    assert ours.lease() is first
    assert ours.credentials() is first.credentials
    assert source.asked == [None]


def test_stale_is_replaced() -> None:
    clock, source = Clock(), Queue(lease(1), lease(2, issued=NOW + 1800))
    ours = provider(source, clock)
    ours.lease()
    clock.now = NOW + 1800
    assert ours.credentials().access_key_id == "STS.2"


def test_jitter_delays_the_refresh() -> None:
    clock, source = Clock(), Queue(lease(1), lease(2))
    ours = provider(source, clock, jitter=1.0)
    ours.lease()
    clock.now = NOW + 1800 + 149  # a tenth of the way to dead is 150 s
    assert ours.credentials().access_key_id == "STS.1"
    clock.now += 1
    assert ours.credentials().access_key_id == "STS.2"


def test_the_offset_leads_to_the_servers_clock() -> None:
    clock, source = Clock(NOW - 7200), Queue(lease(1, offset=7200.0), lease(2, offset=7200.0))
    ours = provider(source, clock)
    ours.lease()
    clock.now += 1799
    assert ours.credentials().access_key_id == "STS.1"
    clock.now += 1
    assert ours.credentials().access_key_id == "STS.2"


def test_while_stale_one_fetches_and_the_others_go_on() -> None:
    clock, source = Clock(), Gate(lease(1), lease(2))
    source.opened.set()
    ours = provider(source, clock)
    ours.lease()
    source.entered.clear()
    source.opened.clear()
    clock.now = NOW + 2000
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(ours.credentials)
        assert source.entered.wait(10)
        for _ in range(10):
            assert ours.credentials().access_key_id == "STS.1"
        source.opened.set()
        assert one.result(10).access_key_id == "STS.2"
    assert len(source.asked) == 2


def test_fifty_threads_on_a_dead_lease_are_one_fetch() -> None:
    source = Gate(lease(1))
    ours = provider(source, Clock())
    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ours.lease) for _ in range(50)]
        until(all_wait(ours, 49))
        source.opened.set()
        assert {id(one.result(10)) for one in asked} == {id(ours.lease())}
    assert source.asked == [None]


def test_fifty_threads_on_a_dead_lease_get_the_same_error() -> None:
    error = ServerUnavailable("down")
    source = Gate(error, lease(1))
    ours = provider(source, Clock())
    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ours.lease) for _ in range(50)]
        until(all_wait(ours, 49))
        source.opened.set()
        assert all(one.exception(10) is error for one in asked)
    assert source.asked == [None]
    assert ours.credentials().access_key_id == "STS.1"  # errors are not remembered


def test_an_interrupted_fetch_is_taken_over() -> None:
    class Interrupted(Gate):
        def fetch(self, *, refused: str | None = None) -> Lease:
            found = super().fetch(refused=refused)
            if len(self.asked) == 1:
                raise KeyboardInterrupt
            return found

    source = Interrupted(lease(1))
    ours = provider(source, Clock())
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ours.lease) for _ in range(2)]
        until(all_wait(ours, 1))
        source.opened.set()
        results = [one.exception(10) for one in asked]
    assert [type(result) for result in results if result] == [KeyboardInterrupt]
    assert len(source.asked) == 2


@contextmanager
def interrupted_at(number: int) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt before the `number`-th line that this thread runs in the provider."""
    lines: list[int] = []

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename not in (provider_module.__file__, flight_module.__file__):
            return None
        # The interpreter looks for signals after calls and before loops, so never on the way into
        # or out of a `with`, where a line is announced all the same.
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and not line.lstrip().startswith("with "):
            lines.append(frame.f_lineno)
            if len(lines) == number:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("dead", [False, True])
def test_an_interrupt_at_any_line_leaves_nobody_waiting(*, fails: bool, dead: bool) -> None:
    def struck(number: int) -> bool:
        """Tell whether there is such a line."""

        class Joined(Queue):
            def fetch(self, *, refused: str | None = None) -> Lease:
                if len(self.asked) == 1:
                    others.append(pool.submit(ours.lease))
                    until(lambda: waits() or others[0].done())
                return super().fetch(refused=refused)

        def one() -> bool:
            silent = suppress(KeyboardInterrupt, ServerUnavailable)
            with interrupted_at(number) as lines, silent:
                ours.lease()
            return len(lines) >= number

        clock = Clock()
        new = lease(2, issued=NOW + 3300, refresh_after=NOW + 5000, expiry=NOW + 7200)
        source = Joined(lease(1), *([ServerUnavailable("down")] if fails else []), new)
        ours = provider(source, clock)
        waits = all_wait(ours, 1)
        others: list[Future[Lease]] = []
        ours.lease()
        clock.now = NOW + (3400 if dead else 3290)
        with ThreadPoolExecutor(4) as pool:
            found = pool.submit(one).result(10)
            for other in others:
                assert isinstance(other.exception(10), ServerUnavailable | None)
            clock.now = NOW + 3400
            late = [pool.submit(ours.lease) for _ in range(2)]
            assert all(isinstance(each.exception(10), ServerUnavailable | None) for each in late)
        assert ours.lease() is new
        return found

    number = 1
    while struck(number):
        number += 1
    assert number > 20


@pytest.mark.parametrize("reports", [False, True])
def test_a_source_that_asks_its_own_provider_is_told_so(*, reports: bool) -> None:
    class Circle(Queue):
        def fetch(self, *, refused: str | None = None) -> Lease:
            super().fetch(refused=refused)
            return ours.refused("STS.0") if reports else ours.lease()

    ours = provider(Circle(lease(1)), Clock())
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(ours.lease).exception(10)
    assert isinstance(error, UsageError)


def test_a_failure_while_stale_keeps_serving_and_backs_off() -> None:
    clock = Clock()
    source = Queue(lease(1), ServerUnavailable("down"), TooManyRequests("slow", retry_after=40.0))
    ours = provider(source, clock)
    ours.lease()
    clock.now = NOW + 1800
    assert ours.credentials().access_key_id == "STS.1"
    assert len(source.asked) == 2
    clock.now += 0.4  # the first pause is 0.5 s without jitter
    ours.lease()
    assert len(source.asked) == 2
    clock.now += 0.2
    ours.lease()
    assert len(source.asked) == 3
    clock.now += 39  # the server asked for 40 s
    ours.lease()
    assert len(source.asked) == 3
    clock.now += 2
    ours.lease()
    assert len(source.asked) == 4


def test_a_success_ends_the_back_off() -> None:
    clock = Clock()
    down = ServerUnavailable("down")
    later = lease(2, issued=NOW + 1800, refresh_after=NOW + 3600, expiry=NOW + 5400)
    source = Queue(lease(1), down, down, down, later, down)
    ours = provider(source, clock)
    for now in (0, 1800, 1810, 1820, 1830, 3600):
        clock.now = NOW + now
        ours.lease()
    assert len(source.asked) == 6
    clock.now += 0.6  # the first pause is 0.5 s again, the fourth would be 4 s
    ours.lease()
    assert len(source.asked) == 7


def test_back_off_ends_when_the_lease_dies() -> None:
    clock = Clock()
    source = Queue(
        lease(1), TooManyRequests("slow", retry_after=9999.0), lease(2, expiry=NOW + 9999)
    )
    ours = provider(source, clock)
    ours.lease()
    clock.now = NOW + 3290
    assert ours.credentials().access_key_id == "STS.1"
    clock.now = NOW + 3300.5
    assert ours.credentials().access_key_id == "STS.2"


def test_a_failure_while_dead_is_raised() -> None:
    clock, source = Clock(), Queue(lease(1), ServerUnavailable("down"))
    ours = provider(source, clock)
    ours.lease()
    clock.now = NOW + 3301
    with pytest.raises(ServerUnavailable):
        ours.lease()


def test_a_lease_dead_on_arrival_is_an_error() -> None:
    with pytest.raises(BadLease, match="only 40 seconds left"):
        provider(Queue(lease(1)), Clock(NOW + 3560)).lease()


def test_a_refused_key_is_fetched_anew_and_named() -> None:
    source = Queue(lease(1), lease(2))
    ours = provider(source, Clock())
    ours.lease()
    assert ours.refused("STS.1").credentials.access_key_id == "STS.2"
    assert source.asked == [None, "STS.1"]


def test_a_wrong_time_is_measured_anew_and_nobody_refused() -> None:
    source = Queue(lease(1), lease(1, offset=60.0), lease(1, offset=120.0))
    ours = provider(source, Clock())
    first = ours.lease()
    assert ours.mistimed(first).offset == 60.0
    assert ours.mistimed(first).offset == 60.0  # somebody comes late
    assert source.asked == [None, None]


def test_many_reports_of_one_key_are_one_fetch() -> None:
    source = Gate(lease(1), lease(2))
    source.opened.set()
    ours = provider(source, Clock())
    ours.lease()
    source.opened.clear()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ours.refused, "STS.1") for _ in range(20)]
        until(all_wait(ours, 19))
        source.opened.set()
        assert {one.result(10).credentials.access_key_id for one in asked} == {"STS.2"}
    assert ours.refused("STS.1").credentials.access_key_id == "STS.2"  # somebody comes late
    assert source.asked == [None, "STS.1"]


def test_a_key_reported_during_a_fetch_is_not_handed_out_again() -> None:
    clock = Clock()
    source = Gate(lease(1), lease(1), lease(2))  # the server still has the first in its cache
    source.opened.set()
    ours = provider(source, clock)
    ours.lease()
    source.entered.clear()
    source.opened.clear()
    clock.now = NOW + 2000
    with ThreadPoolExecutor(2) as pool:
        refresh = pool.submit(ours.lease)
        assert source.entered.wait(10)
        report = pool.submit(ours.refused, "STS.1")
        until(all_wait(ours, 1))
        source.opened.set()
        assert report.result(10).credentials.access_key_id == "STS.2"
        refresh.result(10)
    assert source.asked == [None, None, "STS.1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_inherit_a_held_lock() -> None:
    source = Queue(lease(1))
    ours = provider(source, Clock())
    with ours._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if ours.credentials().access_key_id == "STS.1" else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    source = Gate(lease(1))
    ours = provider(source, Clock())
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(ours.lease)
        assert source.entered.wait(10)
        child = os.fork()
        if child == 0:
            source.opened = threading.Event()
            source.opened.set()
            signal.alarm(10)
            os._exit(0 if ours.credentials().access_key_id == "STS.1" else 1)
        source.opened.set()
        assert os.waitpid(child, 0)[1] == 0
        one.result(10)


def test_shows_no_secret() -> None:
    ours = provider(Queue(lease(1)), Clock())
    held = ours.lease()
    for thing in (ours, held, held.credentials):
        for text in (repr(thing), str(thing), f"{thing}", f"{thing!r:>5}"):
            assert not any(secret in text for secret in SECRETS)


def test_no_lease_travels() -> None:
    ours = provider(Queue(lease(1)), Clock())
    held = ours.lease()
    for thing in (held, held.credentials):
        for copied in (pickle.dumps, copy.copy, copy.deepcopy):
            if copied is copy.copy and thing is held:
                continue  # a second lease around the same credentials tells nobody anything
            with pytest.raises(TypeError):
                copied(thing)
    ours = Provider(Travelling())
    pickled = pickle.dumps(ours)
    assert not any(secret.encode() in pickled for secret in SECRETS)
    assert b"STS.1" not in pickled
    assert pickle.loads(pickled)._source.fetch().credentials.access_key_id == "STS.1"  # noqa: S301 - its own


def test_a_stale_lease_is_handed_out_while_a_thread_behind_fetches() -> None:
    clock = Clock()
    source = Gate(lease(1), lease(2, issued=NOW + 1800))
    source.opened.set()
    ours = Provider(source, clock=clock, random=lambda: 0.0)
    first = ours.lease()
    source.opened.clear()
    clock.now = NOW + 1800
    for _ in range(3):
        assert ours.lease() is first
    source.opened.set()
    until(lambda: ours.lease().credentials.access_key_id == "STS.2")
    assert source.asked == [None, None]


def test_where_there_are_no_more_threads_the_caller_fetches() -> None:
    def no_more(_: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    clock = Clock()
    ours = Provider(Queue(lease(1), lease(2)), clock=clock, random=lambda: 0.0, behind=no_more)
    ours.lease()
    clock.now = NOW + 1800
    assert ours.credentials().access_key_id == "STS.2"


def test_a_lease_that_is_stale_on_arrival_is_not_asked_for_again_at_once() -> None:
    clock = Clock(NOW + 2000)
    source = Queue(lease(1))
    ours = provider(source, clock)
    for _ in range(3):
        ours.lease()
    assert len(source.asked) == 1
    for asked in range(2, 8):  # it doubles: 0.5, 1, 2, 4, 8, 16 s
        clock.now += 2.0 ** (asked - 3)
        ours.lease()
        assert len(source.asked) == asked


def test_each_refresh_is_told() -> None:
    told: list[Refresh] = []
    ticks = iter(range(100))
    clock = Clock()
    ours = Provider(
        Queue(lease(1), ServerUnavailable("away")),
        on_refresh=told.append,
        clock=clock,
        stopwatch=lambda: float(next(ticks)),
        random=lambda: 0.0,
        behind=lambda work: work(),
    )
    first = ours.lease()
    clock.now = NOW + 1800
    assert ours.lease() is first
    assert [(it.seconds, it.lease, type(it.error)) for it in told] == [
        (1.0, first, type(None)),
        (1.0, None, ServerUnavailable),
    ]


def test_a_hook_that_fails_costs_no_lease(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Refresh) -> None:
        raise ValueError("a secret")

    Provider(Queue(lease(1)), on_refresh=fail, clock=Clock()).lease()
    assert "on_refresh raised ValueError" in caplog.text
    assert "a secret" not in caplog.text


def test_any_error_of_a_source_reaches_the_caller() -> None:
    with pytest.raises(StsClientError):
        provider(Queue(BadLease("no")), Clock()).lease()


def test_ready_never_waits() -> None:
    clock, source = Clock(), Queue(lease(1), lease(2), lease(3))
    works: list[Callable[[], None]] = []
    ours = Provider(source, clock=clock, random=lambda: 0.0, behind=works.append)
    assert ours.ready() is None
    assert source.asked == []
    ours.lease()
    assert ours.ready() == lease(1)
    clock.now = NOW + 1800
    assert ours.ready() == ours.ready() == lease(1)
    assert len(works) == 1
    works.pop()()
    assert ours.ready() == lease(2)
    clock.now = NOW + 3599
    assert ours.ready() is None
    assert len(source.asked) == 2
    assert not works


def test_ready_drops_a_key_that_was_refused() -> None:
    source = Queue(lease(1), lease(2))
    ours = provider(source, Clock())
    ours.lease()
    assert ours.ready(refused="STS.0") == lease(1)
    assert ours.ready(refused="STS.1") is None
    assert ours.lease() == lease(2)
    assert source.asked == [None, "STS.1"]


def test_ready_waits_for_nobody_who_fetches_already() -> None:
    source = Gate(lease(1))
    ours = provider(source, Clock())
    thread = threading.Thread(target=ours.lease)
    thread.start()
    assert source.entered.wait(10)
    assert ours.ready() is None
    source.opened.set()
    thread.join()
    assert ours.ready() == lease(1)


def test_ready_without_a_thread_to_spare_gives_what_it_has() -> None:
    def none_left(_work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    clock, source = Clock(), Queue(lease(1), lease(2))
    ours = Provider(source, clock=clock, random=lambda: 0.0, behind=none_left)
    ours.lease()
    clock.now = NOW + 1800
    assert ours.ready() == lease(1)
    assert source.asked == [None]
    assert ours.lease() == lease(2)
