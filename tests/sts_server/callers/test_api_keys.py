"""API keys: only the right one, in the right form, is a proof."""

import asyncio
import re

import pytest

from sts_server.callers.api_keys import ApiKeys, digest, new_key
from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from tests.sts_server.parts import ALICE_KEY, BOB_KEY, T0, SetClock

ALICE = Caller("alice", frozenset({"staff"}))
OLD_KEY = "osk_" + "o" * 43
OVER_KEY = "osk_" + "e" * 43
CLOCK = SetClock()
KEYS = ApiKeys(
    [
        (digest(ALICE_KEY), ALICE),
        (digest(OLD_KEY), ALICE),
        (digest(BOB_KEY), Caller("bob")),
        (digest(OVER_KEY), Caller("eve", expires=T0)),
    ],
    clock=CLOCK,
)


def test_a_new_key_is_43_characters_of_chance() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"osk_[A-Za-z0-9_-]{43}", key) for key in keys)


@pytest.mark.parametrize("key", [ALICE_KEY, OLD_KEY])
def test_each_key_of_a_caller_is_theirs(key: str) -> None:
    assert KEYS.claims(key)
    assert asyncio.run(KEYS.authenticate(key)) == ALICE


def test_a_key_counts_until_the_moment_it_is_over() -> None:
    CLOCK.now = T0 - 1
    assert asyncio.run(KEYS.authenticate(OVER_KEY)).expires == T0
    CLOCK.now = T0
    with pytest.raises(Unauthenticated, match="over"):
        asyncio.run(KEYS.authenticate(OVER_KEY))


@pytest.mark.parametrize(
    "token",
    [
        f"{ALICE_KEY}x",
        ALICE_KEY[:-1],
        f"{ALICE_KEY},",
        f"{ALICE_KEY}\n",
        "osk_" + "c" * 43,
        "osk_" + "é" * 43,
    ],
)
def test_nothing_else_is_a_proof_and_nothing_of_it_is_repeated(token: str) -> None:
    assert KEYS.claims(token)
    with pytest.raises(Unauthenticated) as refusal:
        asyncio.run(KEYS.authenticate(token))
    assert ALICE_KEY[:-1] not in str(refusal.value)
    assert "ccc" not in str(refusal.value)


@pytest.mark.parametrize("token", ["", ALICE_KEY.upper(), digest(ALICE_KEY), ALICE_KEY[4:]])
def test_what_holds_no_key_is_left_to_other_logins(token: str) -> None:
    assert not KEYS.claims(token)


@pytest.mark.parametrize("token", [f'"{ALICE_KEY}"', f"key={ALICE_KEY}", f",{ALICE_KEY}"])
def test_a_key_among_other_signs_is_shown_to_nobody_else(token: str) -> None:
    assert KEYS.claims(token)
    with pytest.raises(Unauthenticated):
        asyncio.run(KEYS.authenticate(token))
