"""Overlaps: two grants that meet by a name are named; what lies in each other on purpose is not."""

import pytest

from sts_server.overlaps import overlaps
from sts_server.scope import Grant


def found(*prefixes: str) -> list[str]:
    return overlaps(
        Grant(f"g{number}", prefix, ("get",), frozenset({"*"}), frozenset(), 900)
        for number, prefix in enumerate(prefixes)
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("users/{caller}/", "users/{claim.team}/"),
        ("users/{claim.a}/", "users/{claim.b}/"),
        ("users/{caller}/", "users/{claim.https://a.example/team}/"),
        ("users/{caller}/", "users/shared/"),
        ("users/{caller}/", "users/shared/terms.pdf"),
        ("users/{caller}/", "users/{claim.team}/deep/down/"),
        ("users/{caller}/", "users/{caller}-old/"),
        ("users/{caller}/", "users/old-{caller}/"),
        ("users/a{caller}/", "users/{caller}b/"),
        ("users/{caller}/", "users/{caller_hash}/"),
        ("users/{caller_hash}/", "users/0123456789abcdef0123456789abcdef/"),
        ("{caller}/{claim.x}/", "{claim.x}/{caller}/"),
        ("users/{caller}", "users/{claim.team}"),
        ("users/{caller}.txt", "users/notes.txt"),
        ("{caller}/", "a/b/c/"),
    ],
)
def test_two_places_that_a_name_can_make_one_are_named(one: str, other: str) -> None:
    for pair in ((one, other), (other, one)):
        (line,) = found(*pair)
        assert line.startswith(f"g0 and g1: {pair[0]} and {pair[1]} are one place")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", "users/{caller}/"),
        ("", "{caller}/"),
        ("users/", "users/{caller}/"),
        ("users/{caller}/", "users/{caller}/"),
        ("users/{caller}/", "users/{caller}/public/"),
        ("users/{caller}/", "users/{caller}/notes.txt"),
        ("users/{caller}/", "teams/{claim.team}/"),
        ("users/{caller}/a/", "users/{claim.team}/b/"),
        ("users/{caller}/", "users/a b/"),
        ("users/{caller}/", "users/team {claim.team}/"),
        ("users/{caller}/", "users/{claim.team} (team)/"),
        ("users/u-{caller}/", "users/t-{claim.team}/"),
        ("users/{caller}.u/", "users/{claim.team}.t/"),
        ("users/{caller_hash}/", "users/shared/"),
        ("users/ab{caller}ba/", "users/aba/"),
        ("users/{caller}", "users/{claim.team}/"),
        ("users/{caller}", "users/{claim.team}/notes.txt"),
        ("a/", "b/"),
        ("a/b/", "a/"),
    ],
)
def test_no_name_brings_these_together(one: str, other: str) -> None:
    assert found(one, other) == []
    assert found(other, one) == []


def test_each_pair_is_a_line() -> None:
    assert len(found("{caller}/", "{claim.a}/", "{claim.b}/")) == 3
