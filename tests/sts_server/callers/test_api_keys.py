"""API keys: only the right one, in the right form, is a proof."""

import re

import pytest

from sts_server.callers.api_keys import ApiKeys, digest, new_key
from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from tests.sts_server.parts import ALICE_KEY, BOB_KEY

ALICE = Caller("alice", frozenset({"staff"}))
OLD_KEY = "osk_" + "o" * 43
KEYS = ApiKeys([(ALICE, [digest(ALICE_KEY), digest(OLD_KEY)]), (Caller("bob"), [digest(BOB_KEY)])])


def test_a_new_key_is_43_characters_of_chance() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"osk_[A-Za-z0-9_-]{43}", key) for key in keys)


@pytest.mark.parametrize(
    "header", [f"Bearer {ALICE_KEY}", f"bearer  {ALICE_KEY}", f"BEARER {OLD_KEY}"]
)
def test_each_key_of_a_caller_is_theirs(header: str) -> None:
    assert KEYS.authenticate(header) == ALICE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        ALICE_KEY,
        f"Basic {ALICE_KEY}",
        f"Bearer {ALICE_KEY}x",
        f"Bearer {ALICE_KEY[:-1]}",
        f"Bearer {ALICE_KEY.upper()}",
        f"Bearer {ALICE_KEY} {BOB_KEY}",
        f"Bearer {ALICE_KEY},",
        f"Bearer {ALICE_KEY}\n",
        f"Bearer {digest(ALICE_KEY)}",
        "Bearer osk_" + "c" * 43,
        "Bearer osk_" + "é" * 43,
    ],
)
def test_nothing_else_is_a_proof_and_nothing_of_it_is_repeated(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        KEYS.authenticate(header)
    assert ALICE_KEY[:-1] not in str(refusal.value)
    assert "ccc" not in str(refusal.value)
