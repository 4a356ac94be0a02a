"""The trial: each step is told, in order, and what makes no sense is skipped."""

import asyncio

import pytest

from sts_server.errors import UpstreamFailure, UpstreamRefused, UpstreamUnavailable
from sts_server.identity import Identity
from sts_server.lease import Lease, RoleRequest
from sts_server.scope import Scope
from sts_server.trial import Outcome, Step, trial_steps
from sts_server.vending import Role
from tests.sts_server.parts import ScriptedSts, SetClock

ROLE = Role("acs:ram::1234567890123456:role/oss-vend", "ext-id")
USER = Identity("1234567890123456", "acs:ram::1234567890123456:user/vend", "RAMUser")
SCOPES = {
    "uploads": (Scope("b", "users/x/", ("get", "put")), 3600),
    "all": (Scope("b", "", ("list",)), 900),
}
GONE = UpstreamUnavailable("", hint="nobody listens there")
NO = UpstreamRefused("", hint="NoPermission: the RAM user needs it")

PASSED, WARNING, FAILED, SKIPPED = Outcome


def steps(
    sts: ScriptedSts, who: Identity | UpstreamFailure = USER, role: Role = ROLE
) -> list[Step]:
    async def identity() -> Identity:
        if isinstance(who, UpstreamFailure):
            raise who
        return who

    async def story() -> list[Step]:
        return [step async for step in trial_steps(identity, sts, role, SCOPES)]

    return asyncio.run(story())


def outcomes(found: list[Step]) -> list[Outcome]:
    return [step.outcome for step in found]


def test_all_is_well(sts: ScriptedSts) -> None:
    sts.life = 900
    found = steps(sts)
    assert [step.what for step in found] == [
        "GetCallerIdentity",
        "account of the role",
        "AssumeRole for uploads",
        "AssumeRole for all",
        "AssumeRole for the 3600 s of uploads",
        "clock",
    ]
    assert [(it.duration, it.session_name[:10], it.external_id) for it in sts.asked] == [
        (900, "check-live", "ext-id"),
        (900, "check-live", "ext-id"),
        (3600, "check-live", "ext-id"),
    ]
    assert outcomes(found)[:5] == [PASSED] * 5


def test_without_an_answer_the_rest_is_skipped(sts: ScriptedSts) -> None:
    found = steps(sts, GONE)
    assert outcomes(found) == [FAILED, SKIPPED, SKIPPED, SKIPPED, SKIPPED]
    assert found[0].told == "nobody listens there"
    assert sts.asked == []
    sts.error = GONE
    assert outcomes(steps(sts)) == [PASSED, PASSED, FAILED, SKIPPED, SKIPPED, SKIPPED]


def test_each_grant_that_is_refused_is_told(sts: ScriptedSts) -> None:
    sts.error = NO
    found = steps(sts)
    assert outcomes(found) == [PASSED, PASSED, FAILED, FAILED, FAILED, SKIPPED]
    assert found[2].told == "NoPermission: the RAM user needs it"


@pytest.mark.parametrize(
    "root",
    [
        Identity("1", "acs:ram::1:root", "Account"),
        Identity("1", "acs:ram::1:root", "spelt otherwise"),
    ],
)
def test_the_account_itself_is_no_key_to_vend_with(sts: ScriptedSts, root: Identity) -> None:
    found = steps(sts, root)
    assert outcomes(found) == [FAILED, SKIPPED, SKIPPED, SKIPPED, SKIPPED]
    assert "a RAM user with AliyunSTSAssumeRoleAccess" in found[0].told
    assert sts.asked == []


def test_a_role_of_another_account_may_be_meant(sts: ScriptedSts) -> None:
    found = steps(sts, role=Role("acs:ram::999:role/oss-vend"))
    assert found[1].outcome is WARNING
    assert "999, and our key is of 1234567890123456" in found[1].told


@pytest.mark.parametrize(
    ("off", "outcome", "told"),
    [
        (0, PASSED, "agrees"),
        (60, PASSED, "agrees"),
        (61, WARNING, "61 s ahead of that of STS"),
        (-300, WARNING, "300 s behind that of STS"),
    ],
)
def test_a_clock_that_is_off_is_told_before_sts_refuses_it(
    clock: SetClock, off: int, outcome: Outcome, told: str
) -> None:
    class Exact(ScriptedSts):
        async def __call__(self, request: RoleRequest) -> Lease:
            self.life = request.duration - off
            return await super().__call__(request)

    last = steps(Exact(clock))[-1]
    assert (last.what, last.outcome) == ("clock", outcome)
    assert told in last.told
