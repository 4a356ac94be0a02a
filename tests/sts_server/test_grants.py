"""Grants: wishes are read strictly, answered in one order, and only ever narrow."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.errors import CallerNotAllowed, GrantDenied, InvalidArgument, Refusal
from sts_server.grants import holds, read_wish, resolve
from sts_server.scope import Action, Caller, Grant, Scope, Wish, caller_hash

ALICE = Caller("alice", frozenset({"staff"}))
NOW = 1_764_577_800.0


def grant(
    prefix: str = "users/{caller}/",
    actions: tuple[Action, ...] = ("get", "put", "list"),
    callers: frozenset[str] = frozenset({"*"}),
    groups: frozenset[str] = frozenset(),
) -> Grant:
    return Grant("uploads", prefix, actions, callers, groups, duration=3600)


def scope_of(wish: Wish, given: Grant | None = None, caller: Caller = ALICE) -> Scope:
    return resolve({"uploads": given or grant()}, "examplebucket", caller, wish, NOW)[0]


# Reading a wish


def test_a_query_is_read_as_a_wish() -> None:
    query = b"prefix=users%2Falice%2Fa+b%2F&actions=list,get&duration=900&refused=STS.abc"
    assert read_wish("uploads", query) == Wish(
        "uploads", "users/alice/a b/", ("get", "list"), 900, "STS.abc"
    )


def test_no_query_wishes_for_everything() -> None:
    assert read_wish("uploads", b"") == Wish("uploads")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "prefix, actions, duration, refused"),
        ("Prefix=a", "unknown"),
        ("prefix", "prefix is empty"),
        ("prefix=", "prefix is empty"),
        ("prefix=a&prefix=b", "prefix is given twice"),
        ("prefix=/a", "prefix starts"),
        ("prefix=a/../b/", "prefix holds"),
        ("prefix=a%00", "prefix holds a control"),
        ("prefix=a%2F%2e%2e%2Fb", "prefix holds"),
        ("prefix=%ff", "UTF-8"),
        ("prefix=*", "prefix holds"),
        ("actions=", "actions is a comma list"),
        ("actions=get,", "actions is a comma list"),
        ("actions=get,get", "actions is a comma list"),
        ("actions=GET", "actions is a comma list"),
        ("actions=get%20", "actions is a comma list"),
        ("duration=", "duration"),
        ("duration=899", "duration"),
        ("duration=43201", "duration"),
        ("duration=9e3", "duration"),
        ("duration=-900", "duration"),
        ("duration=٩٠٠", "query"),
        ("duration=%D9%A9%D9%A0%D9%A0", "duration"),
        ("refused=", "refused"),
        ("refused=a%0Ab", "refused"),
        ("refused=" + "a" * 129, "refused"),
        ("&".join(f"x{n}=1" for n in range(40)), "too long"),
    ],
)
def test_a_wish_that_is_not_well_formed_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read_wish("uploads", query.encode())
    assert named in refusal.value.detail


@given(st.binary(max_size=200))
def test_no_query_whatever_breaks_the_reader(query: bytes) -> None:
    try:
        read_wish("uploads", query)
    except InvalidArgument as refusal:
        assert refusal.detail


# Who holds a grant


@pytest.mark.parametrize(
    ("callers", "groups"),
    [({"*"}, set()), ({"alice"}, set()), (set(), {"staff"}), ({"bob"}, {"staff"})],
)
def test_a_grant_is_held_by_name_or_by_group(callers: set[str], groups: set[str]) -> None:
    held = grant(callers=frozenset(callers), groups=frozenset(groups))
    assert scope_of(Wish("uploads"), held).prefix == "users/alice/"


@pytest.mark.parametrize(
    ("callers", "groups"), [({"bob"}, set()), (set(), {"boss"}), ({"Alice"}, set())]
)
def test_nobody_else_holds_it(callers: set[str], groups: set[str]) -> None:
    held = grant(callers=frozenset(callers), groups=frozenset(groups))
    with pytest.raises(GrantDenied):
        scope_of(Wish("uploads"), held)


def held_by_claims(**claims: frozenset[str]) -> Grant:
    return replace(grant(callers=frozenset()), claims=claims)


A_OR_B = frozenset({"a", "b"})


@pytest.mark.parametrize("claim", ["a", "b", frozenset({"b", "z"}), frozenset({"a", "b"})])
def test_a_text_claim_is_a_value_and_a_list_claim_holds_one(claim: str | frozenset[str]) -> None:
    assert holds(held_by_claims(team=A_OR_B), Caller("x", claims={"team": claim}))


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"team": ""},
        {"team": "A"},
        {"team": "a "},
        {"team": "ab"},
        {"team": "a,b"},
        {"team": "*"},
        {"team": frozenset[str]()},
        {"team": frozenset({"c", "*"})},
        {"Team": "a"},
        {"other": "a"},
    ],
)
def test_no_other_claim_is_near_enough(claims: Mapping[str, str | frozenset[str]]) -> None:
    assert not holds(held_by_claims(team=A_OR_B), Caller("a", frozenset({"a"}), claims))


def test_of_several_claims_all_must_hold() -> None:
    held = held_by_claims(team=A_OR_B, role=frozenset({"owner"}))
    assert holds(held, Caller("x", claims={"team": "a", "role": frozenset({"owner", "dev"})}))
    assert not holds(held, Caller("x", claims={"team": "a"}))
    assert not holds(held, Caller("x", claims={"team": "a", "role": "dev"}))


def test_of_id_group_and_claims_one_is_enough() -> None:
    held = Grant("g", "", ("get",), frozenset({"bob"}), frozenset({"boss"}), 900, {"team": A_OR_B})
    assert holds(held, Caller("bob"))
    assert holds(held, Caller("x", frozenset({"boss"})))
    assert holds(held, Caller("x", claims={"team": "a"}))
    assert not holds(held, Caller("x", frozenset({"bob"}), {"team": "boss"}))


@pytest.mark.parametrize("word", ["alice", "staff", "*", "team", "a"])
def test_ids_groups_and_claims_are_not_taken_for_each_other(word: str) -> None:
    only = frozenset({word})
    held = Grant("g", "", ("get",), frozenset(), only, 900)
    assert not holds(held, Caller(word, claims={word: word}))
    held = replace(held, groups=frozenset(), claims={"team": only})
    assert not holds(held, Caller(word, only, {"group": word, "callers": word}))


def test_a_grant_that_does_not_exist_reads_like_one_that_is_not_held() -> None:
    with pytest.raises(GrantDenied) as missing:
        scope_of(Wish("other"))
    with pytest.raises(GrantDenied) as foreign:
        scope_of(Wish("uploads"), grant(callers=frozenset({"bob"})))
    assert missing.value.detail == foreign.value.detail


# Narrowing


@pytest.mark.parametrize(
    ("wish", "scope"),
    [
        (Wish("uploads"), Scope("examplebucket", "users/alice/", ("get", "put", "list"))),
        (
            Wish("uploads", prefix="users/alice/2026/"),
            Scope("examplebucket", "users/alice/2026/", ("get", "put", "list")),
        ),
        (
            Wish("uploads", prefix="users/alice/a.txt"),
            Scope("examplebucket", "users/alice/a.txt", ("get", "put")),
        ),
        (Wish("uploads", actions=("get",)), Scope("examplebucket", "users/alice/", ("get",))),
    ],
)
def test_a_wish_narrows(wish: Wish, scope: Scope) -> None:
    assert scope_of(wish) == scope


@pytest.mark.parametrize(
    "wish",
    [
        Wish("uploads", prefix="users/"),
        Wish("uploads", prefix="users/alice"),
        Wish("uploads", prefix="users/alice-evil/"),
        Wish("uploads", prefix="users/bob/"),
        Wish("uploads", prefix="Users/alice/"),
        Wish("uploads", actions=("delete",)),
        Wish("uploads", actions=("get", "delete")),
        Wish("uploads", prefix="users/alice/a.txt", actions=("list",)),
        Wish("uploads", duration=3601),
    ],
)
def test_a_wish_never_widens(wish: Wish) -> None:
    with pytest.raises(GrantDenied):
        scope_of(wish)


def test_a_grant_of_one_object_gives_only_it() -> None:
    one = grant("shared/terms.pdf", ("get",))
    assert scope_of(Wish("uploads", prefix="shared/terms.pdf"), one).prefix == "shared/terms.pdf"
    for wished in ("shared/terms.pdf/", "shared/terms.pdf.bak", "shared/"):
        with pytest.raises(GrantDenied):
            scope_of(Wish("uploads", prefix=wished), one)


def test_a_list_only_grant_gives_nothing_of_one_object() -> None:
    with pytest.raises(GrantDenied, match="nothing is left"):
        scope_of(Wish("uploads", prefix="users/alice/a"), grant(actions=("list",)))


def test_the_duration_is_the_grants_or_less() -> None:
    given = {"uploads": grant()}
    assert resolve(given, "b-1", ALICE, Wish("uploads"), NOW)[1].duration == 3600
    assert resolve(given, "b-1", ALICE, Wish("uploads", duration=900), NOW)[1].duration == 900


# Templates


ATTACKS = [
    "*",
    "?",
    "a/../b",
    "..",
    ".",
    "%2e%2e/",
    "a\0",
    "x" * 300,
    "аlice",
    "alice／",
    "{caller_hash}",
    "${a}",
    "",
    "a/",
]


@pytest.mark.parametrize("caller_id", ATTACKS)
def test_a_hostile_name_is_refused_where_it_would_stand_in_a_prefix(caller_id: str) -> None:
    with pytest.raises(CallerNotAllowed):
        scope_of(Wish("uploads"), caller=Caller(caller_id))


@pytest.mark.parametrize("caller_id", ATTACKS)
def test_its_hash_serves_it(caller_id: str) -> None:
    scope = scope_of(Wish("uploads"), grant("h/{caller_hash}/"), Caller(caller_id))
    assert scope.prefix == f"h/{caller_hash(caller_id)}/"


@given(caller_id=st.text(), prefix=st.none() | st.text(), near=st.booleans())
def test_for_any_caller_and_any_wish_the_scope_stays_in_their_folder(
    caller_id: str,
    prefix: str | None,
    near: bool,
) -> None:
    wished = f"users/{caller_id}/{prefix}" if near and prefix is not None else prefix
    query = urlencode({} if wished is None else {"prefix": wished}, errors="surrogatepass").encode()
    try:
        scope = scope_of(read_wish("uploads", query), caller=Caller(caller_id))
    except Refusal:
        return
    assert scope.prefix.startswith(f"users/{caller_id}/")
    assert "/" not in caller_id
    assert scope.prefix.count("*") == 0
