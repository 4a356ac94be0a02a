"""A webhook's answer: the shape of MinIO's plugin, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.callers.webhook_answer import Accepted, Refused, Unusable, Verdict, read

TOKEN = "eyJ.secret-token.of-alice"


def answer(body: object, status: int = 200, token: str = TOKEN) -> Verdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(status, raw, token=token, claims=("team", "site"), groups_claim="groups")


def alice(**more: Any) -> dict[str, Any]:
    return {"user": "alice", "maxValiditySeconds": 3600, "claims": {}, **more}


def accepted(**more: Any) -> Accepted:
    verdict = answer(alice(**more))
    assert isinstance(verdict, Accepted), verdict
    return verdict


def test_the_example_of_minios_guide_is_taken() -> None:
    guide = b"""{"user": "<string>", "maxValiditySeconds": 3600, "claims": {"KEY": "VALUE"}}"""
    assert answer(guide) == Accepted("<string>", 3600, frozenset(), {})


def test_only_claims_that_are_named_are_taken() -> None:
    claims = {"team": "red", "site": ["a", "b", "a"], "admin": "yes", "groups": ["staff"]}
    assert accepted(claims=claims) == Accepted(
        "alice", 3600, frozenset({"staff"}), {"team": "red", "site": frozenset({"a", "b"})}
    )


@pytest.mark.parametrize("claims", [None, {}, {"groups": []}])
def test_claims_may_be_missing(claims: object) -> None:
    assert accepted(claims=claims) == Accepted("alice", 3600, frozenset(), {})


def test_one_group_needs_no_list() -> None:
    assert accepted(claims={"groups": "staff"}).groups == frozenset({"staff"})
    verdict = read(
        200,
        json.dumps(alice(claims={"groups": "a", "": "b"})).encode(),
        token=TOKEN,
        claims=(),
        groups_claim=None,
    )
    assert verdict == Accepted("alice", 3600, frozenset(), {})


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 1.5, {}, {"a": "b"}, "", "a\nb", "x" * 257, ["a", 7], ["a", None], ["a", ""], [["a"]], ["a"] * 65, "\ud800"],
)  # fmt: skip
def test_a_claim_that_is_neither_text_nor_texts_gives_nothing(value: object) -> None:
    verdict = accepted(claims={"team": value, "groups": value, "site": "here"})
    assert (verdict.groups, verdict.claims) == (frozenset(), {"site": "here"})


@pytest.mark.parametrize("user", ["a", "Zoë Ω", "x" * 256, "{caller}", "a/../b", "*"])
def test_a_user_is_any_printable_text(user: str) -> None:
    assert accepted(user=user).user == user


NO_OBJECTS: list[object] = [[], "a", 7, True]
NO_USERS: list[object] = [
    None,
    7,
    ["alice"],
    "",
    "a\n",
    "a\x00b",
    "\u202ealice",
    "\ud800",
    "x" * 257,
]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"OK", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"1" * 60_000, "not JSON"),
        ([], "no object"),
        ("alice", "no object"),
        ({}, "user"),
        ({"reason": "no"}, "user"),
        *[(alice(user=it), "user") for it in NO_USERS],
        *[
            (alice(maxValiditySeconds=it), "maxValiditySeconds")
            for it in (None, "3600", 3600.0, True, 0, -900, 899, 31_536_001, 10**400, float("nan"))
        ],
        *[(alice(claims=it), "claims") for it in NO_OBJECTS],
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(body: object, why: str) -> None:
    verdict = answer(body)
    assert isinstance(verdict, Unusable)
    assert why in verdict.why
    assert "alice" not in verdict.why


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503])
def test_no_other_status_is_an_answer(status: int) -> None:
    assert answer(alice(), status) == Unusable(f"HTTP status {status}")
    assert answer({"reason": "no"}, status) == Unusable(f"HTTP status {status}")


@pytest.mark.parametrize("body", [b"", b"Forbidden", [], "no"])
def test_a_403_of_something_in_between_is_no_answer(body: object) -> None:
    assert isinstance(answer(body, 403), Unusable)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("signed out", "signed out"),
        ("Zoë is gone", "Zoë is gone"),
        (" a\r\nb\x1b[31m\u202ec\ud800 ", "ab[31mc"),
        ("x" * 500, "x" * 200),
        ("\n" * 300 + "late", "late"),
        (None, ""),
        (7, ""),
        ({"a": "b"}, ""),
    ],
)
def test_a_reason_is_cut_to_what_can_be_shown(reason: object, shown: str) -> None:
    assert answer({"reason": reason}, 403) == Refused(shown)


def test_a_refusal_needs_no_reason() -> None:
    assert answer({}, 403) == Refused("")


@pytest.mark.parametrize(
    "reason", [f"no {TOKEN}", f"no {TOKEN[:12]}…", f"{TOKEN[-12:]}?", "x" * 188 + TOKEN, TOKEN]
)
def test_a_reason_that_gives_the_token_away_is_not_shown(reason: str) -> None:
    assert answer({"reason": reason}, 403) == Refused("")
    assert answer({"reason": "abc is bad"}, 403, token="abc") == Refused("")


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inside: st.one_of(st.lists(inside), st.dictionaries(st.text(), inside)),
    max_leaves=5,
)
_ANSWER = st.fixed_dictionaries(
    {}, optional={"user": _JSON, "maxValiditySeconds": _JSON, "claims": _JSON, "reason": _JSON}
)


@given(st.one_of(st.binary(), _ANSWER), st.sampled_from([200, 403]))
def test_whatever_is_answered_there_is_a_verdict(body: object, status: int) -> None:
    verdict = answer(body, status)
    assert isinstance(verdict, Accepted | Refused | Unusable)
    if isinstance(verdict, Accepted):
        assert set(verdict.claims) <= {"team", "site"}
