"""Denials: who is stopped, and what a deny list may say."""

import pytest

from sts_server.denials import Denials, read_denials
from sts_server.errors import CallerNotAllowed, ConfigError, GrantDenied


def test_nothing_is_stopped_by_an_empty_list() -> None:
    assert read_denials("callers = []") == Denials()
    assert read_denials("everything = false") == Denials()
    Denials().refuse_caller("alice")
    Denials().refuse_grant("uploads")


def test_a_list_names_callers_and_grants() -> None:
    denials = read_denials('callers = ["alice", "login:bob"]\ngrants = ["uploads"]')
    with pytest.raises(CallerNotAllowed):
        denials.refuse_caller("login:bob")
    denials.refuse_caller("bob")
    with pytest.raises(GrantDenied):
        denials.refuse_grant("uploads")
    denials.refuse_grant("upload")
    assert str(denials) == "2 callers and 1 grants are stopped"


def test_everything_is_everybody() -> None:
    denials = read_denials("everything = true")
    with pytest.raises(CallerNotAllowed):
        denials.refuse_caller("anybody")
    assert str(denials) == "vending is stopped"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("callers = [", ["not TOML"]),
        ("callers = " + "9" * 5000, ["not TOML"]),
        ("callers = " + "[" * 5000, ["not TOML"]),
        ("", ["says nothing"]),
        ("# all is well", ["says nothing"]),
        ('callers = "alice"', ["callers: must be a list"]),
        ("callers = [1]", ["callers: must be a list"]),
        ('grants = [["uploads"]]', ["grants: must be a list"]),
        ('everything = "yes"', ["everything: must be true or false"]),
        ('caller = ["alice"]\neverything = 1', ["caller: is not known", "everything: must"]),
    ],
)
def test_every_mistake_is_named(text: str, told: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        read_denials(text)
    assert len(error.value.problems) == len(told)
    for problem, start in zip(error.value.problems, told, strict=True):
        assert problem.startswith(start)
