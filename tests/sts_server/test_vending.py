"""Vending: one order of checks, one audit line for each decision, never a secret in it."""

import asyncio
import json
import logging

import pytest

from sts_server.audit import Record
from sts_server.cache.memory import MemoryCache
from sts_server.callers.api_keys import ApiKeys, digest
from sts_server.callers.desk import Desk
from sts_server.errors import (
    GrantDenied,
    InvalidArgument,
    Refusal,
    Unauthenticated,
    UpstreamRefused,
)
from sts_server.lease import RoleRequest
from sts_server.proof import Proof
from sts_server.scope import Caller, Grant, Scope
from sts_server.vending import Ask, Role, Vending, role_request, telling_operator
from tests.sts_server.parts import ALICE_KEY, T0, ScriptedSts

ALICE = Caller("alice")
ROLE = Role("acs:ram::1:role/r", "external")
GRANTS = {
    "uploads": Grant(
        "uploads", "users/{caller}/", ("get", "list"), frozenset({"*"}), frozenset(), 3600
    )
}
PROOF = (f"Bearer {ALICE_KEY}",)


def ask(grant: str = "uploads", authorizations: tuple[str, ...] = PROOF, query: bytes = b"") -> Ask:
    proof = Proof({"authorization": authorizations}.__getitem__, "127.0.0.1")
    return Ask(grant, proof, query, request_id="R-1")


def vending(sts: ScriptedSts, audit: list[Record]) -> Vending:
    return Vending(
        callers=Desk([ApiKeys([(digest(ALICE_KEY), ALICE)])]),
        grants=GRANTS,
        bucket="examplebucket",
        role=ROLE,
        cache=MemoryCache(sts, clock=sts.clock),
        audit=audit.append,
    )


def test_a_lease_is_asked_with_exactly_what_the_scope_needs(sts: ScriptedSts) -> None:
    audit: list[Record] = []
    vended = asyncio.run(vending(sts, audit).vend(ask(query=b"actions=get&duration=900")))
    assert vended.scope == Scope("examplebucket", "users/alice/", ("get",))
    assert vended.refresh_after == T0 + 1800
    assert sts.asked == [
        RoleRequest(
            "acs:ram::1:role/r",
            "alice-2bd806c97f0e",
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:GetObject"],'
            '"Resource":["acs:oss:*:*:examplebucket/users/alice/*"]}]}',
            900,
            "external",
        )
    ]


def test_the_audit_line_leads_from_a_key_back_to_a_caller(sts: ScriptedSts) -> None:
    audit: list[Record] = []
    asyncio.run(vending(sts, audit).vend(ask()))
    assert audit == [
        {
            "request_id": "R-1",
            "peer": "127.0.0.1",
            "caller": "alice",
            "grant": "uploads",
            "bucket": "examplebucket",
            "prefix": "users/alice/",
            "actions": ("get", "list"),
            "session_name": "alice-2bd806c97f0e",
            "access_key_id": "STS.1",
            "expiry": "2025-12-01T09:30:00Z",
            "sts_request_id": "STS-REQUEST-1",
            "cached": False,
            "outcome": "vended",
        }
    ]


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (ask("nothing", (), b"colour=red"), Unauthenticated),
        (ask("nothing", PROOF, b"colour=red"), InvalidArgument),
        (ask("nothing", PROOF, b"prefix=users/bob/"), GrantDenied),
        (ask("uploads", PROOF, b"prefix=users/bob/"), GrantDenied),
        (ask("uploads", PROOF * 2), InvalidArgument),
    ],
)
def test_what_is_wrong_first_is_said_and_written_down(
    asked: Ask, refusal: type[Refusal], sts: ScriptedSts
) -> None:
    audit: list[Record] = []
    with pytest.raises(refusal):
        asyncio.run(vending(sts, audit).vend(asked))
    assert [(line["outcome"], line["code"]) for line in audit] == [("refused", refusal.__name__)]
    assert sts.asked == []


def test_no_secret_is_ever_written_down(sts: ScriptedSts) -> None:
    audit: list[Record] = []
    asyncio.run(vending(sts, audit).vend(ask()))
    text = json.dumps(audit)
    assert "secret-1" not in text
    assert "token-1" not in text
    assert ALICE_KEY not in text


def test_no_lease_leaves_without_its_audit_line(sts: ScriptedSts) -> None:
    def full_disk(_: Record) -> None:
        raise OSError(28, "No space left on device")

    house = Vending(
        callers=Desk([ApiKeys([(digest(ALICE_KEY), ALICE)])]),
        grants=GRANTS,
        bucket="examplebucket",
        role=ROLE,
        cache=MemoryCache(sts, clock=sts.clock),
        audit=full_disk,
    )
    with pytest.raises(OSError, match="No space"):
        asyncio.run(house.vend(ask()))


def test_a_prefix_whose_policy_sts_would_not_take_is_the_callers_mistake() -> None:
    deep = Scope("examplebucket", "x" * 1000 + "/", ("get", "put", "list"))
    with pytest.raises(InvalidArgument, match="too long"):
        role_request(ROLE, deep, ALICE, 3600)


def test_the_operator_reads_what_the_caller_is_not_told(
    sts: ScriptedSts, caplog: pytest.LogCaptureFixture
) -> None:
    sts.error = UpstreamRefused("ask the operator", hint="NoPermission: give the user the right")
    request = RoleRequest("acs:ram::1:role/r", "alice-1", "{}", 900)

    async def story() -> None:
        await telling_operator(sts)(request)

    with caplog.at_level(logging.ERROR), pytest.raises(UpstreamRefused) as refusal:
        asyncio.run(story())
    assert "NoPermission: give the user the right" in caplog.text
    assert "NoPermission" not in refusal.value.detail
