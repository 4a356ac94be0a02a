"""The catalogue: which grants a caller may ask for now, and why not for others of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sts_server.audit import Record
from sts_server.clock import Clock, system_clock
from sts_server.denials import NOTHING, Denials
from sts_server.errors import InvalidArgument, Refusal
from sts_server.grants import holds, resolve
from sts_server.proof import Proof
from sts_server.rates import UNLIMITED, Rate
from sts_server.scope import Caller, Grant, Scope, Wish
from sts_server.vending import Authenticator


@dataclass(frozen=True, slots=True)
class Offer:
    """What an ask for all of a grant would be answered with.

    Attributes:
        duration: seconds; the longest that may be wished for now.
    """

    grant: str
    scope: Scope
    duration: int


@dataclass(frozen=True, slots=True)
class Offers:
    """The grants that a caller holds, in the order of the configuration.

    Attributes:
        refused: by name, those whose every lease is refused now: the caller's claims do not fill
            the prefix, their proof ends too soon, or the operator has stopped the grant.
    """

    given: tuple[Offer, ...]
    refused: Mapping[str, Refusal]


def offers(
    grants: Mapping[str, Grant],
    bucket: str,
    caller: Caller,
    now: float,
    denials: Denials = NOTHING,
) -> Offers:
    """Tell what a caller is offered; decided by the same function as a lease is."""
    given: list[Offer] = []
    refused: dict[str, Refusal] = {}
    for name, grant in grants.items():
        if not holds(grant, caller):
            continue
        try:
            scope, term = resolve(grants, bucket, caller, Wish(name), now)
            denials.refuse_grant(name)
        except Refusal as refusal:
            refused[name] = refusal
        else:
            given.append(Offer(name, scope, term.duration))
    return Offers(tuple(given), refused)


class Catalogue:
    """Shows callers what they may ask for. Everything it needs is passed in."""

    def __init__(
        self,
        *,
        callers: Authenticator,
        grants: Mapping[str, Grant],
        bucket: str,
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
        self._audit = audit
        self._rate = rate
        self._denials = denials
        self._clock = clock

    async def show(
        self, proof: Proof, query: bytes, request_id: str, client_request_id: str | None = None
    ) -> Offers:
        """Answer one ask: authenticate, then take no query, for there is nothing to choose.

        Whoever tries stolen proofs here leaves the same lines in the audit log as anywhere.

        Raises:
            Refusal: with what the caller is told.
            AuditUnwritten: the audit line could not be written; nothing is answered without one.
        """
        record: dict[str, object] = {"request_id": request_id, "peer": proof.peer, "caller": None}
        if client_request_id is not None:
            record["client_request_id"] = client_request_id
        try:
            caller = await self._callers.authenticate(proof)
            record["caller"] = caller.id
            self._rate.admit(caller.id)
            denials = self._denials()
            denials.refuse_caller(caller.id)
            if query:
                raise InvalidArgument("the list of grants takes no query parameters")
        except Refusal as refusal:
            self._audit(
                {**record, "outcome": "refused", "code": refusal.code, "why": refusal.detail}
            )
            raise
        shown = offers(self._grants, self._bucket, caller, self._clock(), denials)
        grants = [*(offer.grant for offer in shown.given), *shown.refused]
        self._audit({**record, "grants": grants, "outcome": "listed"})
        return shown
