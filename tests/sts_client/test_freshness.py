"""The table that other languages run too, and what holds for any lease."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_client.freshness import Freshness, dead_after, judge, next_attempt, stale_from

TABLE = json.loads((Path(__file__).parents[1] / "vectors/freshness.json").read_text())
SECONDS = st.floats(0, 1e10)


@pytest.mark.parametrize("case", TABLE["states"], ids=lambda case: str(case["name"]))
def test_states(case: dict[str, Any]) -> None:
    state = judge(
        case["now"], case["issued"], case["refresh_after"], case["expiry"], case["jitter"]
    )
    assert state.value == case["state"]


@pytest.mark.parametrize("case", TABLE["next_attempts"], ids=lambda case: str(case["name"]))
def test_next_attempts(case: dict[str, Any]) -> None:
    at = next_attempt(case["now"], case["failures"], case["jitter"], case["retry_after"])
    assert at == case["at"]


@given(SECONDS, st.none() | SECONDS, SECONDS, st.floats(0, 1))
def test_jitter_only_delays_and_never_beyond_dead(
    issued: float, refresh_after: float | None, expiry: float, jitter: float
) -> None:
    plain = stale_from(issued, refresh_after, expiry)
    assert plain <= stale_from(issued, refresh_after, expiry, jitter) <= dead_after(issued, expiry)


@given(SECONDS, SECONDS, SECONDS)
def test_nothing_is_used_in_its_last_minute(now: float, issued: float, expiry: float) -> None:
    if expiry - now < 59.999:  # a minute, less what a float may lose
        assert judge(now, issued, None, expiry) is Freshness.DEAD
