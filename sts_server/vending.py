"""Vends: a caller's proof and wish in, a lease out; one order of checks, one audit line each."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sts_server.audit import Record
from sts_server.clock import Clock, system_clock, to_wire
from sts_server.denials import Denials
from sts_server.errors import InvalidArgument, Refusal, UpstreamFailure
from sts_server.grants import read_wish, resolve
from sts_server.lease import AssumeRole, Held, Lease, RoleRequest
from sts_server.policy import LONGEST_POLICY, session_policy
from sts_server.proof import Proof
from sts_server.rates import UNLIMITED, Rate
from sts_server.scope import Caller, Grant, Scope, session_name

_log = logging.getLogger(__name__)


class Authenticator(Protocol):
    """Where callers prove who they are."""

    async def authenticate(self, proof: Proof) -> Caller:
        """Tell who is calling, or raise the Refusal that keeps us from knowing."""


class LeaseCache(Protocol):
    """Where live leases are kept."""

    async def lease(self, caller_id: str, request: RoleRequest, refused: str | None = None) -> Held:
        """Give the live lease of a key, or raise the Refusal that keeps it from being one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it arrived: nothing of it is believed yet.

    Attributes:
        query: the raw query string.
        client_request_id: what the client calls this request, of a shape that is safe to log.
    """

    grant: str
    proof: Proof
    query: bytes
    request_id: str
    client_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Vended:
    """A lease for a caller, with its scope and the moment to ask for the next one."""

    lease: Lease
    scope: Scope
    refresh_after: int


@dataclass(frozen=True, slots=True)
class Role:
    """The role that every lease is a session of."""

    arn: str
    external_id: str | None = None


class Vending:
    """Answers asks for leases. Everything it needs is passed in."""

    def __init__(
        self,
        *,
        callers: Authenticator,
        grants: Mapping[str, Grant],
        bucket: str,
        role: Role,
        cache: LeaseCache,
        audit: Callable[[Record], None],
        rate: Rate = UNLIMITED,
        denials: Callable[[], Denials] = Denials,
        clock: Clock = system_clock,
    ) -> None:
        """Take the parts.

        `rate` is how often one caller may ask; `denials` tells what is denied at the moment it is
        called.
        """
        self._callers = callers
        self._grants = grants
        self._bucket = bucket
        self._role = role
        self._cache = cache
        self._audit = audit
        self._rate = rate
        self._denials = denials
        self._clock = clock

    async def vend(self, ask: Ask) -> Vended:
        """Answer one ask: authenticate, read the wish, find the grant, narrow, then fetch a lease.

        Raises:
            Refusal: with what the caller is told.
            AuditUnwritten: the audit line could not be written; no lease is given without one.
        """
        record: dict[str, object] = {
            "request_id": ask.request_id,
            "peer": ask.proof.peer,
            "caller": None,
            "grant": ask.grant[:64],
        }
        if ask.client_request_id is not None:
            record["client_request_id"] = ask.client_request_id
        try:
            vended = await self._decide(ask, record)
        except Refusal as refusal:
            self._audit(
                {**record, "outcome": "refused", "code": refusal.code, "why": refusal.detail}
            )
            raise
        self._audit({**record, "outcome": "vended"})
        return vended

    async def _decide(self, ask: Ask, record: dict[str, object]) -> Vended:
        caller = await self._callers.authenticate(ask.proof)
        record["caller"] = caller.id
        self._rate.admit(caller.id)
        self._denials().refuse_caller(caller.id)
        wish = read_wish(ask.grant, ask.query)
        if wish.refused is not None:
            record["refused"] = wish.refused
        scope, term = resolve(self._grants, self._bucket, caller, wish, self._clock())
        record.update(bucket=scope.bucket, prefix=scope.prefix, actions=scope.actions)
        self._denials().refuse_grant(wish.grant)
        request = role_request(self._role, scope, caller, term.duration)
        record["session_name"] = request.session_name
        held = await self._cache.lease(caller.id, request, wish.refused)
        # What was stopped while STS was asked is stopped.
        denials = self._denials()
        denials.refuse_caller(caller.id)
        denials.refuse_grant(wish.grant)
        term.hold(held.lease.expiry)
        record.update(
            access_key_id=held.lease.access_key_id,
            expiry=to_wire(held.lease.expiry),
            sts_request_id=held.lease.sts_request_id,
            cached=held.cached,
        )
        return Vended(held.lease, scope, held.refresh_after)


def role_request(role: Role, scope: Scope, caller: Caller, duration: int) -> RoleRequest:
    """Write the AssumeRole arguments for a scope.

    Raises:
        InvalidArgument: the scope's prefix makes its policy longer than STS takes.
    """
    policy = session_policy(scope)
    if len(policy) > LONGEST_POLICY:
        raise InvalidArgument(
            f"prefix is too long: its policy has {len(policy)} of {LONGEST_POLICY} characters"
        )
    return RoleRequest(role.arn, session_name(caller.id), policy, duration, role.external_id)


def telling_operator(assume_role: AssumeRole) -> AssumeRole:
    """Log each failure of STS with what to do about it: callers are only told that there is one."""

    async def told(request: RoleRequest) -> Lease:
        try:
            return await assume_role(request)
        except UpstreamFailure as failure:
            _log.error(
                "AssumeRole for %s: %s: %s", request.session_name, failure.code, failure.hint
            )
            raise

    return told
