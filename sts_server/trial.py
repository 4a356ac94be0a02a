"""Tries out what a configuration needs of STS, step by step, for a caller who does not exist."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sts_server.errors import UpstreamFailure, UpstreamRefused
from sts_server.identity import Identity
from sts_server.lease import AssumeRole, Lease
from sts_server.scope import SHORTEST, Caller, Scope
from sts_server.vending import Role, role_request

NOBODY: Final = Caller("check-live")
"""Whose name the sessions have. Their keys are shown to nobody and thrown away."""

_SKEW = 60  # seconds that two clocks may be apart without a word; STS takes 15 minutes


class Outcome(Enum):
    """How a step ended; a warning is no failure."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was tried, and what was found, or is to be done."""

    outcome: Outcome
    what: str
    told: str


async def trial_steps(
    identity: Callable[[], Awaitable[Identity]],
    assume_role: AssumeRole,
    role: Role,
    scopes: Mapping[str, tuple[Scope, int]],
) -> AsyncIterator[Step]:
    """Try GetCallerIdentity, one AssumeRole for each grant, and one as long as any grant gives.

    Args:
        identity: asks STS who we are.
        assume_role: asks STS for a lease.
        role: the role of all leases.
        scopes: by the name of each grant, a scope of it, and the seconds that it gives.
    """
    what = "GetCallerIdentity"
    try:
        ours = await identity()
    except UpstreamFailure as failure:
        yield Step(Outcome.FAILED, what, failure.hint)
        stopped: str | None = "until the step above passes"
    else:
        stopped = None
        if ours.is_root:
            yield Step(
                Outcome.FAILED,
                what,
                f"{ours.arn} is the account itself: STS lets it assume no role, and its key opens "
                "everything; use a RAM user with AliyunSTSAssumeRoleAccess, and delete that key",
            )
            stopped = "until our key is a RAM user's"
        else:
            yield Step(Outcome.PASSED, what, f"{ours.kind} {ours.arn}")
            yield _judge_account(role.arn, ours)
    clock = Step(Outcome.SKIPPED, "clock", "no lease to tell it by")
    for what, scope, duration in _calls(scopes):
        if stopped:
            yield Step(Outcome.SKIPPED, what, stopped)
            continue
        try:
            lease = await assume_role(role_request(role, scope, NOBODY, duration))
        except UpstreamFailure as failure:
            yield Step(Outcome.FAILED, what, failure.hint)
            if not isinstance(failure, UpstreamRefused):
                stopped = "until STS answers"
        else:
            yield Step(Outcome.PASSED, what, f"a lease of {duration} s")
            clock = _judge_clock(lease, duration)
    yield clock


def _calls(scopes: Mapping[str, tuple[Scope, int]]) -> list[tuple[str, Scope, int]]:
    calls = [(f"AssumeRole for {name}", scope, SHORTEST) for name, (scope, _) in scopes.items()]
    longest = max((duration for _, duration in scopes.values()), default=SHORTEST)
    if longest > SHORTEST:
        name, scope = next((name, it[0]) for name, it in scopes.items() if it[1] == longest)
        calls.append((f"AssumeRole for the {longest} s of {name}", scope, longest))
    return calls


def _judge_account(role_arn: str, ours: Identity) -> Step:
    what, account = "account of the role", role_arn.split(":")[3]
    if account == ours.account:
        return Step(Outcome.PASSED, what, account)
    return Step(
        Outcome.WARNING,
        what,
        f"{account}, and our key is of {ours.account}: correct sts.role_arn, unless the role's "
        "trust policy names our account",
    )


def _judge_clock(lease: Lease, duration: int) -> Step:
    """Compare the end that STS gave a lease with the one that our clock would give it."""
    ahead = lease.issued + duration - lease.expiry
    if abs(ahead) <= _SKEW:
        return Step(Outcome.PASSED, "clock", "agrees with that of STS")
    way = "ahead of" if ahead > 0 else "behind"
    return Step(
        Outcome.WARNING,
        "clock",
        f"{abs(ahead)} s {way} that of STS, which refuses us from 900 s on: correct it",
    )
