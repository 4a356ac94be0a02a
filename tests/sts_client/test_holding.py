"""What each event makes of the lease that is held; `Provider` and asyncio's run the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from sts_client import errors
from sts_client.freshness import Freshness
from sts_client.provider import Holding
from tests.sts_client.stage import NOW, lease

VECTORS = json.loads(Path(__file__).parents[1].joinpath("vectors/freshness.json").read_text())


def never() -> float:
    raise AssertionError("chance has no part in this")


@pytest.mark.parametrize("case", VECTORS["states"], ids=lambda case: case["name"])
def test_states_of_the_table(case: dict[str, Any]) -> None:
    times = {name: case[name] for name in ("issued", "refresh_after", "expiry")}
    new = lease(1, **times)
    before = case["issued"]
    if case["state"] == "dead":
        assert Holding(new).state(case["now"]) is Freshness.DEAD
        return
    held = Holding().renewed(new, None, before, lambda: case["jitter"])
    assert held is not None
    if held.failures:  # stale on arrival: not asked for again at once
        assert case["state"] == "stale"
        held = Holding(new)
    assert held.state(case["now"]).value == case["state"]


def test_nothing_is_dead() -> None:
    assert Holding().state(NOW) is Freshness.DEAD


def test_stale_from_the_moment_that_chance_has_chosen() -> None:
    held = Holding().renewed(lease(1), None, NOW, lambda: 1.0)
    assert held is not None
    assert held.quiet_until == NOW + 1950
    assert held.state(NOW + 1949) is Freshness.FRESH
    assert held.state(NOW + 1950) is Freshness.STALE
    assert held.state(NOW + 3301) is Freshness.DEAD


def test_a_quiet_time_that_is_over_makes_stale() -> None:
    assert Holding(lease(1), NOW).state(NOW + 1) is Freshness.STALE


def test_a_refused_key_is_dropped_if_it_is_the_one_held() -> None:
    held = Holding(lease(1), NOW + 9)
    assert held.without("STS.2") is held
    assert Holding().without("STS.1") == Holding()
    assert held.without("STS.1") == Holding(None, NOW + 9, refused="STS.1")


def test_a_lease_with_a_wrong_offset_is_dropped_if_it_is_the_one_held() -> None:
    held = Holding(lease(1), NOW + 9)
    assert held.untimed(lease(1)) is held
    assert held.lease is not None
    assert held.untimed(held.lease).lease is None


@pytest.mark.parametrize(
    ("told", "key", "held"),
    [("STS.1", "STS.1", True), (None, "STS.1", False), (None, "STS.2", True)],
)
def test_a_key_refused_meanwhile_is_not_held(told: str | None, key: str, held: bool) -> None:
    found = Holding(refused="STS.1").renewed(lease(int(key[-1])), told, NOW, lambda: 0.0)
    assert (found is not None) is held
    assert found is None or found.refused is None


def test_a_new_lease_that_is_dead_is_an_error() -> None:
    with pytest.raises(errors.BadLease, match="only 40 seconds left"):
        Holding().renewed(lease(1), None, NOW + 3560, never)


def test_a_new_lease_that_is_stale_is_kept_for_a_pause_that_doubles() -> None:
    held: Holding | None = Holding()
    for pause in (0.5, 1.0, 2.0, 4.0):
        assert held is not None
        held = held.renewed(lease(1), None, NOW + 2000, lambda: 0.0)
        assert held is not None
        assert held.quiet_until == NOW + 2000 + pause


def test_a_failure_puts_off_the_next_attempt_as_long_as_the_lease_lives() -> None:
    held = Holding(lease(1), NOW + 1800)
    later = held.put_off(errors.ServerUnavailable("away"), NOW + 1800, lambda: 0.0)
    assert later == Holding(lease(1), NOW + 1800.5, failures=1)
    patient = held.put_off(errors.TooManyRequests("", retry_after=40), NOW + 1800, lambda: 0.0)
    assert patient is not None
    assert patient.quiet_until == NOW + 1840
    late = held.put_off(errors.TooManyRequests("", retry_after=9999), NOW + 1800, lambda: 0.0)
    assert late is not None
    assert late.quiet_until == NOW + 3300
    assert held.put_off(errors.ServerUnavailable("away"), NOW + 3301, never) is None
    assert Holding().put_off(errors.ServerUnavailable("away"), NOW, never) is None
