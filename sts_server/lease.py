"""A lease: temporary keys with the moments of their life, and their three states on this server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

GRACE: Final = 300
"""Seconds a lease must still live to be handed out while STS gives no newer one."""

_REFRESH_FROM = 0.4
_REPLACE_FROM = 0.5


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """The exact arguments of one AssumeRole call.

    Attributes:
        policy: the session policy as compact JSON, at most 2,048 characters.
        duration: seconds.
    """

    role_arn: str
    session_name: str
    policy: str
    duration: int
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Temporary keys. Its scope is in the policy it was asked with.

    Attributes:
        issued: when we asked for it, seconds since the epoch.
        expiry: when it ends, as STS said it, seconds since the epoch.
        sts_request_id: leads to STS's own record of the call.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    issued: int
    expiry: int
    sts_request_id: str

    @property
    def half_life(self) -> int:
        """The moment when half of the life is over: whoever holds the lease should ask again."""
        return self.issued + int((self.expiry - self.issued) * _REPLACE_FROM)


AssumeRole = Callable[[RoleRequest], Awaitable[Lease]]
"""Asks STS for a lease, or raises the Refusal that keeps it from being one."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a cache gives: a lease, when to ask for the next, and whether it was there before."""

    lease: Lease
    refresh_after: int
    cached: bool


class State(Enum):
    """What a cached lease is good for."""

    FRESH = "served"
    STALE = "served, while one refreshes"
    DEAD = "all wait for a new one"


def state(lease: Lease, now: float) -> State:
    """Judge a cached lease: fresh until 40 % of its life, stale until half, then dead.

    So what is vended has at least half of its life left, and the official readers, which refetch
    in the last 15 minutes, do not come back at once. A lease from the future is dead: the clock
    was wrong then or is wrong now.
    """
    age = now - lease.issued
    life = lease.expiry - lease.issued
    if age < 0:
        return State.DEAD
    if age < life * _REFRESH_FROM:
        return State.FRESH
    if age < life * _REPLACE_FROM:
        return State.STALE
    return State.DEAD


def is_usable(lease: Lease, now: float) -> bool:
    """Whether a lease past its half life may still be served because STS gives no newer one."""
    return lease.expiry - now >= GRACE
