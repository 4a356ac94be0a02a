"""Terms: as wished, as granted, and never beyond the caller's own proof."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.errors import CallerNotAllowed, GrantDenied
from sts_server.scope import LONGEST, SHORTEST, Caller, Grant, Wish
from sts_server.term import STEP, Term, term

NOW = 1_764_577_800.0
GRANT = Grant("g", "a/", ("get",), frozenset({"*"}), frozenset(), 3600, end_with_token=True)
LOOSE = replace(GRANT, end_with_token=False)


def asked(left: float | None, wished: int | None = None, grant: Grant = GRANT) -> int:
    caller = Caller("alice", expires=None if left is None else NOW + left)
    return term(grant, caller, Wish("g", duration=wished), NOW).duration


@pytest.mark.parametrize(
    ("left", "wished", "duration"),
    [
        (None, None, 3600),
        (None, 900, 900),
        (900, None, 900),
        (1000, None, 900),
        (1259, None, 900),
        (1260, None, 1200),
        (1559.9, None, 1200),
        (1560, None, 1500),
        (3659, None, 3300),
        (3660, None, 3600),
        (90_000, None, 3600),
        (math.inf, None, 3600),
        (3000, 1000, 1000),
        (1000, 3600, 900),
    ],
)
def test_what_is_left_of_a_proof_counts_in_whole_steps(
    left: float | None, wished: int | None, duration: int
) -> None:
    assert asked(left, wished) == duration


@pytest.mark.parametrize("left", [899.999, 0, -1, -math.inf, math.nan])
def test_under_the_shortest_lease_the_caller_is_told_to_sign_in_again(left: float) -> None:
    with pytest.raises(CallerNotAllowed, match="sign in again"):
        asked(left)


def test_a_grant_that_does_not_say_so_gives_its_whole_duration() -> None:
    assert asked(10, grant=LOOSE) == 3600
    assert term(LOOSE, Caller("a", expires=NOW), Wish("g"), NOW).end is None


def test_a_wish_for_more_than_the_grant_is_refused_not_cut() -> None:
    with pytest.raises(GrantDenied, match="3600 seconds"):
        asked(None, 3601)


@pytest.mark.parametrize("end", [None, 1000.0, 999.5])
def test_a_lease_is_held_against_the_end(end: float | None) -> None:
    Term(900, end).hold(999)
    if end == 999.5:
        with pytest.raises(CallerNotAllowed, match="sign in again"):
            Term(900, end).hold(1000)
    else:
        Term(900, end).hold(1000)


@given(left=st.floats(SHORTEST, 100_000), wished=st.none() | st.integers(SHORTEST, 3600))
def test_no_duration_is_longer_than_what_is_left(left: float, wished: int | None) -> None:
    duration = asked(left, wished)
    assert SHORTEST <= duration <= min(left, wished or LONGEST)


@given(left=st.floats(SHORTEST, 50_000))
def test_in_a_step_there_are_at_most_two_durations(left: float) -> None:
    grant = replace(GRANT, duration=LONGEST)
    seen = {asked(left + later, grant=grant) for later in range(0, STEP, 10)}
    assert len(seen) <= 2
