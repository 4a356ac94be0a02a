"""Vending: one order of checks, one audit line for each decision, never a secret in it."""

import asyncio
import json
import logging
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.audit import Record
from sts_server.cache.memory import MemoryCache
from sts_server.callers.api_keys import ApiKeys, digest
from sts_server.callers.desk import Desk
from sts_server.errors import (
    CallerNotAllowed,
    GrantDenied,
    InvalidArgument,
    Refusal,
    Unauthenticated,
    UpstreamRefused,
)
from sts_server.lease import Lease, RoleRequest
from sts_server.proof import Proof
from sts_server.rates import Rate
from sts_server.scope import Caller, Grant, Scope
from sts_server.vending import Ask, Role, Vending, role_request, telling_operator
from tests.sts_server.parts import ALICE_KEY, T0, ScriptedSts, SetClock

ALICE = Caller("alice")
ROLE = Role("acs:ram::1:role/r", "external")
GRANTS = {
    "uploads": Grant(
        "uploads", "users/{caller}/", ("get", "list"), frozenset({"*"}), frozenset(), 3600
    )
}
BY_TOKEN = replace(GRANTS["uploads"], duration=7200, end_with_token=True)
PROOF = (f"Bearer {ALICE_KEY}",)


def ask(grant: str = "uploads", authorizations: tuple[str, ...] = PROOF, query: bytes = b"") -> Ask:
    proof = Proof({"authorization": authorizations}.__getitem__, "127.0.0.1")
    return Ask(grant, proof, query, request_id="R-1")


def vending(sts: ScriptedSts, audit: list[Record], rate: Rate | None = None) -> Vending:
    return Vending(
        callers=Desk([ApiKeys([(digest(ALICE_KEY), ALICE)])]),
        grants=GRANTS,
        bucket="examplebucket",
        role=ROLE,
        cache=MemoryCache(sts, clock=sts.clock),
        audit=audit.append,
        rate=rate or Rate(0),
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


# Leases that end with the caller's proof


@dataclass
class Somebody:
    """A desk where everybody is alice, with a proof that a test made."""

    expires: float | None = None

    async def authenticate(self, _: Proof) -> Caller:
        return Caller("alice", expires=self.expires)


@dataclass
class TimedSts:
    """Gives leases of the asked duration by a clock that is ahead, after a while."""

    clock: SetClock
    ahead: float = 0
    takes: float = 0
    calls: int = 0

    async def __call__(self, request: RoleRequest) -> Lease:
        self.calls += 1
        issued = int(self.clock())
        self.clock.now += self.takes
        expiry = int(self.clock() + self.ahead) + request.duration
        return Lease(f"STS.{self.calls}", "s", "t", issued, expiry, "R")


def by_token(desk: Somebody, sts: TimedSts, audit: list[Record] | None = None) -> Vending:
    return Vending(
        callers=desk,
        grants={"uploads": BY_TOKEN},
        bucket="examplebucket",
        role=ROLE,
        cache=MemoryCache(sts, clock=sts.clock, stopwatch=sts.clock),
        audit=([] if audit is None else audit).append,
        clock=sts.clock,
    )


@given(
    story=st.lists(
        st.tuples(
            st.floats(0, 2000),
            st.none() | st.floats(-100, 10_000),
            st.sampled_from([b"", b"duration=900", b"duration=3333"]),
            st.floats(0, 30),
        ),
        max_size=20,
    ),
    ahead=st.floats(-300, 300),
)
def test_no_lease_outlives_the_proof_of_whoever_gets_it(
    story: list[tuple[float, float | None, bytes, float]], ahead: float
) -> None:
    desk, sts = Somebody(), TimedSts(SetClock(), ahead)
    house = by_token(desk, sts)

    async def live() -> None:
        for later, left, query, takes in story:
            sts.clock.now += later
            sts.takes = takes
            desk.expires = None if left is None else sts.clock.now + left
            try:
                vended = await house.vend(ask(query=query))
            except Refusal:
                continue
            assert desk.expires is None or vended.lease.expiry <= desk.expires

    asyncio.run(live())


def test_a_proof_that_ends_is_no_way_to_many_calls() -> None:
    desk, sts = Somebody(T0 + 7200), TimedSts(SetClock(), takes=1)
    house = by_token(desk, sts)

    async def ask_each_second() -> int:
        vended = 0
        while sts.clock.now < T0 + 7200 - 910:
            sts.clock.now += 1
            await house.vend(ask())
            vended += 1
        return vended

    assert asyncio.run(ask_each_second()) > 6000
    # One for each step of 300 seconds that passed, and not one more.
    assert sts.calls == (7200 - 900) // 300


def test_a_clock_of_sts_that_is_ahead_costs_the_last_lease_not_the_promise() -> None:
    audit: list[Record] = []
    desk, sts = Somebody(T0 + 901), TimedSts(SetClock(), ahead=2)
    with pytest.raises(CallerNotAllowed, match="sign in again"):
        asyncio.run(by_token(desk, sts, audit).vend(ask()))
    assert (audit[0]["outcome"], audit[0]["code"]) == ("refused", "CallerNotAllowed")
