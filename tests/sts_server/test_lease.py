"""Leases: their three states on this server, to the second."""

import pytest

from sts_server.lease import Lease, State, is_usable, state

LEASE = Lease(
    "STS.1", "very-secret", "very-secret-token", issued=1000, expiry=4600, sts_request_id="R"
)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (1000, State.FRESH),
        (2439, State.FRESH),
        (2440, State.STALE),
        (2799, State.STALE),
        (2800, State.DEAD),
        (4600, State.DEAD),
        (999, State.DEAD),  # a clock that was set back
    ],
)
def test_the_state_follows_the_share_of_life_that_is_over(now: int, expected: State) -> None:
    assert state(LEASE, now) is expected


def test_half_life_is_when_to_ask_again() -> None:
    assert LEASE.half_life == 2800


@pytest.mark.parametrize(("now", "usable"), [(4300, True), (4300.5, False), (9999, False)])
def test_a_lease_without_successor_serves_while_five_minutes_remain(
    now: float, usable: bool
) -> None:
    assert is_usable(LEASE, now) is usable


def test_secrets_are_not_shown() -> None:
    assert "very-secret" not in f"{LEASE!r} {LEASE}"
