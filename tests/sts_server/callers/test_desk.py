"""The desk: one proof, one login, and no name that two logins could mean."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from sts_server.callers.api_keys import ApiKeys, digest
from sts_server.callers.desk import Desk
from sts_server.errors import CallerNotAllowed, InvalidArgument, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller
from tests.sts_server.parts import ALICE_KEY


@dataclass
class AnyBearer:
    """A login that believes every token to be its caller's name."""

    kind: ClassVar[str] = "bearer"
    id_prefix: str = ""
    said: Mapping[str, str | frozenset[str]] = field(default_factory=dict)

    def claims(self, token: str) -> bool:
        return not token.startswith("unknown")

    async def authenticate(self, token: str) -> Caller:
        return Caller(token, frozenset({token, "staff"}), self.said)


@dataclass
class NameHeader:
    """A login that believes a header."""

    kind: ClassVar[str] = "header"
    header: str = "x-name"
    id_prefix: str = "proxy:"

    def claims(self, proof: Proof) -> bool:
        return bool(proof.header(self.header))

    async def authenticate(self, proof: Proof) -> Caller:
        return Caller(proof.header(self.header)[0])


KEYS = ApiKeys([(digest(ALICE_KEY), Caller("alice"))])


def ask(desk: Desk, headers: Mapping[str, Sequence[str]]) -> Caller:
    return asyncio.run(
        desk.authenticate(Proof(lambda name: headers.get(name, ()), peer="127.0.0.1"))
    )


@pytest.mark.parametrize("start", ["Bearer ", "bearer  ", "BEARER "])
def test_a_bearer_is_a_bearer_in_any_case(start: str) -> None:
    assert ask(Desk([KEYS]), {"authorization": [start + ALICE_KEY]}) == Caller("alice")


@pytest.mark.parametrize(
    "sent",
    [
        (),
        [""],
        ["Bearer"],
        ["Bearer "],
        [ALICE_KEY],
        [f"Basic {ALICE_KEY}"],
        [f"Bearer {ALICE_KEY} {ALICE_KEY}"],
        [f"Bearer {ALICE_KEY}\n"],
        [f"Bearer {ALICE_KEY.upper()}"],
        [f"Bearer {digest(ALICE_KEY)}"],
    ],
)
def test_nothing_else_is_a_proof_and_nothing_of_it_is_repeated(sent: Sequence[str]) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        ask(Desk([KEYS]), {"authorization": sent})
    assert "aaa" not in str(refusal.value)


def test_the_first_login_that_claims_a_token_is_the_only_one_asked() -> None:
    desk = Desk([KEYS, AnyBearer("any:")])
    assert ask(desk, {"authorization": ["Bearer bob"]}).id == "any:bob"
    with pytest.raises(Unauthenticated):
        ask(desk, {"authorization": ["Bearer osk_" + "x" * 43]})
    with pytest.raises(Unauthenticated):
        ask(desk, {"authorization": ["Bearer unknown"]})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": [f"Bearer {ALICE_KEY}", f"Bearer {ALICE_KEY}"]},
        {"authorization": [f"Bearer {ALICE_KEY}"], "x-name": ["alice"]},
        {"authorization": [""], "x-name": ["alice"]},
        {"x-name": ["alice"], "x-other": ["bob"]},
    ],
)
def test_two_proofs_are_refused_whichever_is_right(headers: Mapping[str, Sequence[str]]) -> None:
    desk = Desk([KEYS], [NameHeader(), NameHeader("x-other", "other:")])
    with pytest.raises(InvalidArgument):
        ask(desk, headers)


def test_ids_and_groups_carry_their_logins_prefix() -> None:
    desk = Desk([KEYS, AnyBearer("any:")], [NameHeader()])
    caller = ask(desk, {"authorization": ["Bearer alice"]})
    assert caller == Caller("any:alice", frozenset({"any:alice", "any:staff"}))
    assert ask(desk, {"x-name": ["alice"]}).id == "proxy:alice"
    assert ask(desk, {"authorization": [f"Bearer {ALICE_KEY}"]}).id == "alice"


def test_at_the_bare_login_nobody_takes_a_name_of_another() -> None:
    desk = Desk([AnyBearer()], [NameHeader()])
    assert ask(desk, {"authorization": ["Bearer proxy"]}).id == "proxy"
    with pytest.raises(CallerNotAllowed):
        ask(desk, {"authorization": ["Bearer proxy:alice"]})


def test_each_login_that_is_asked_is_judged_once() -> None:
    judged: list[tuple[str, str]] = []
    desk = Desk(
        [KEYS, AnyBearer()],
        [NameHeader()],
        judged=lambda kind, refusal: judged.append((kind, refusal.code if refusal else "proven")),
    )
    for headers, refusal in (
        ({"authorization": [f"Bearer {ALICE_KEY}"]}, None),
        ({"x-name": ["alice"]}, None),
        ({"authorization": ["Bearer osk_" + "x" * 43]}, Unauthenticated),
        ({"authorization": ["Bearer proxy:alice"]}, CallerNotAllowed),
        ({}, Unauthenticated),  # nobody was asked
        ({"authorization": ["Bearer unknown"]}, Unauthenticated),
        ({"authorization": ["Bearer a"], "x-name": ["alice"]}, InvalidArgument),
    ):
        with pytest.raises(refusal) if refusal else contextlib.nullcontext():
            ask(desk, headers)
    assert judged == [
        ("api_key", "proven"),
        ("header", "proven"),
        ("api_key", "Unauthenticated"),
        ("bearer", "CallerNotAllowed"),
    ]


def test_claims_carry_it_too_so_that_two_logins_share_no_team() -> None:
    said: dict[str, str | frozenset[str]] = {
        "team": "a",
        "roles": frozenset({"x", "y"}),
        "none": "",
    }
    caller = ask(Desk([AnyBearer("any:", said)]), {"authorization": ["Bearer alice"]})
    assert caller.claims == {"team": "any:a", "roles": frozenset({"any:x", "any:y"}), "none": ""}
    assert ask(Desk([AnyBearer("", said)]), {"authorization": ["Bearer alice"]}).claims == said


@pytest.mark.parametrize("held", ["proxy:a", frozenset({"b", "proxy:a"})])
def test_at_the_bare_login_nobody_takes_a_claim_of_another(held: str | frozenset[str]) -> None:
    desk = Desk([AnyBearer("", {"team": held})], [NameHeader()])
    with pytest.raises(CallerNotAllowed, match="a claim of the caller"):
        ask(desk, {"authorization": ["Bearer alice"]})


@pytest.mark.parametrize("id_prefix", ["", "proxy:"])
def test_nobody_has_no_name(id_prefix: str) -> None:
    with pytest.raises(CallerNotAllowed, match="empty"):
        ask(Desk([KEYS], [NameHeader(id_prefix=id_prefix)]), {"x-name": [""]})
