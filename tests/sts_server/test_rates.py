"""Rates: exact at the edge, each name on its own, a flood of names bounded."""

import threading
from dataclasses import dataclass

from sts_server.rates import Rate


@dataclass
class Stopwatch:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_in_a_minute_and_not_one_more() -> None:
    watch = Stopwatch()
    rate = Rate(3, stopwatch=watch)
    assert [rate.wait("alice") for _ in range(3)] == [0, 0, 0]
    watch.now += 20.5
    assert rate.wait("alice") == 40  # whole seconds, never too few
    watch.now += 39.4
    assert rate.wait("alice") == 1
    watch.now += 0.1
    assert rate.wait("alice") == 0


def test_one_name_costs_another_nothing() -> None:
    rate = Rate(1, stopwatch=Stopwatch())
    assert (rate.wait("alice"), rate.wait("bob")) == (0, 0)
    assert rate.wait("alice") > 0


def test_asking_on_makes_nobody_wait_longer() -> None:
    watch = Stopwatch()
    rate = Rate(1, stopwatch=watch)
    for _ in range(100):
        rate.wait("alice")
    watch.now += 60
    assert rate.wait("alice") == 0


def test_0_is_no_limit() -> None:
    rate = Rate(0)
    assert not any(rate.wait("alice") for _ in range(1000))


def test_a_flood_of_names_is_bounded_and_leaves() -> None:
    watch = Stopwatch()
    rate = Rate(1, names=100, stopwatch=watch)
    for number in range(10_000):
        rate.wait(str(number))
    assert len(rate) == 100
    # Who is still counted is still counted right.
    assert rate.wait("9999") > 0
    watch.now += 61
    for number in range(60):
        rate.wait(f"later {number}")
    assert len(rate) == 60


def test_counting_starts_no_thread() -> None:
    before = threading.active_count()
    rate = Rate(10)
    for number in range(1000):
        rate.wait(str(number))
    assert threading.active_count() == before
