"""Claims: who a token lets in, and what of it makes the caller."""

from collections.abc import Mapping
from typing import Any

import pytest

from sts_server.scope import Caller
from tests.sts_server.callers.oidc.mint import (
    believed,
    login,
    refused,
    token,
)
from tests.sts_server.parts import T0


def test_groups_and_claims_are_read_where_the_table_says() -> None:
    at = login(
        more="""
        id_claim = "email"
        groups_claim = "/realm_access/roles"
        claims = ["team", "tags", "/kubernetes.io/namespace", "https://a.example/x", "/a~1b/c~0d"]
        """
    )
    says: dict[str, Any] = {
        "sub": None,
        "email": "a@b.example",
        "realm_access": {"roles": ["staff", "dev", "dev"]},
        "team": "red",
        "tags": ["a", "b"],
        "kubernetes.io": {"namespace": "default", "pod": {"name": "p"}},
        "https://a.example/x": "y",
        "a/b": {"c~d": "e"},
        "department": "not asked for",
    }
    caller = believed(token(**says), at)
    assert caller == Caller(
        "a@b.example",
        frozenset({"staff", "dev"}),
        {
            "team": "red",
            "tags": frozenset({"a", "b"}),
            "namespace": "default",
            "https://a.example/x": "y",
            "c~d": "e",
        },
        T0 + 3600,
    )


@pytest.mark.parametrize("odd", [7, True, None, {"a": "b"}, ["a", 7], [["a"]], 1.5])
def test_what_is_neither_text_nor_texts_is_left_out(odd: object) -> None:
    at = login(more='groups_claim = "groups"\nclaims = ["team", "/team/name"]')
    caller = believed(token(groups=odd, team=odd), at)
    assert (caller.groups, caller.claims) == (frozenset(), {})


REQUIRE = 'require = { tenant = ["a", "b"], "/org/id" = ["7"] }'


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant": "a", "org": {"id": "7"}},
        {"tenant": "b", "org": {"id": ["7", "8"]}},
        {"tenant": ["z", "a"], "org": {"id": "7"}},
    ],
)
def test_what_a_token_must_say_besides_lets_it_in(claims: Mapping[str, Any]) -> None:
    assert believed(token(**claims), login(more=REQUIRE)).id == "alice"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"tenant": "a"},
        {"tenant": "a", "org": "7"},
        {"tenant": "a", "org": {"id": 7}},
        {"tenant": "a", "org": {"id": ["7", 8]}},
        {"tenant": "a", "/org/id": "7"},
        {"tenant": "c", "org": {"id": "7"}},
        {"tenant": "ab", "org": {"id": "7"}},
        {"tenant": "A", "org": {"id": "7"}},
        {"tenant": "", "org": {"id": "7"}},
        {"tenant": [], "org": {"id": "7"}},
        {"tenant": {"a": "a"}, "org": {"id": "7"}},
    ],
)
def test_without_it_a_token_is_not_let_in(claims: Mapping[str, Any]) -> None:
    assert "let in here" in refused(token(**claims), login(more=REQUIRE))


def test_one_group_may_be_a_text() -> None:
    assert believed(token(groups="staff"), login(more='groups_claim = "groups"')).groups == {
        "staff"
    }


def test_without_being_told_nothing_but_the_id_is_read() -> None:
    caller = believed(token(groups=["admin"], team="red"))
    assert (caller.groups, caller.claims) == (frozenset(), {})
