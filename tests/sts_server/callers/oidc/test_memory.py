"""Remembered tokens: bounded, forgotten in time and with the keys that verified them."""

from sts_server.callers.oidc.key_set import KeySet
from sts_server.callers.oidc.memory import Memory
from sts_server.scope import Caller

KEYS, OTHERS = KeySet((), []), KeySet((), [])
ALICE = Caller("alice")


def test_the_token_that_was_shown_longest_ago_is_forgotten_first() -> None:
    memory = Memory(size=2)
    for token in ("a", "b"):
        memory.put(token, KEYS, ALICE, until=10)
    assert memory.find("a", KEYS, 0) is ALICE
    memory.put("c", KEYS, ALICE, until=10)
    assert [memory.holds(token, 0) for token in ("a", "b", "c")] == [True, False, True]


def test_a_token_is_remembered_until_its_moment() -> None:
    memory = Memory()
    memory.put("a", KEYS, ALICE, until=10)
    assert memory.find("a", KEYS, 9.9) is ALICE
    assert memory.find("a", KEYS, 10) is None
    assert not memory.holds("a", 0)
    assert memory.find("a", KEYS, 0) is None


def test_other_keys_forget_all_even_if_they_look_alike() -> None:
    memory = Memory()
    memory.put("a", KEYS, ALICE, until=10)
    assert memory.find("a", OTHERS, 0) is None
    memory.put("b", OTHERS, ALICE, until=10)
    assert not memory.holds("a", 0)
    assert memory.find("b", OTHERS, 0) is ALICE
    assert memory.find("b", KEYS, 0) is None
