"""Who exists in the sandbox: RAM users, roles, and the sessions that AssumeRole made."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.ram.decision import Access, allows
from sts_server.sandbox.ram.document import Policy, parse_policy
from sts_server.sandbox.vault import Saved, Vault

FORGET_AFTER = timedelta(hours=1)  # an expired session stays known so long, to be called expired
TOKEN_BYTES = 384  # 512 characters, about what the real service sends


@dataclass(frozen=True)
class User:
    """A RAM user with one long-lived key, which may be disabled."""

    name: str
    account: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    policies: tuple[Policy, ...] = field(repr=False)
    active: bool = True

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return f"acs:ram::{self.account}:user/{self.name}"

    @property
    def principal_id(self) -> str:
        """A stable number for the user, as RAM gives to each identity."""
        return stable_id(self.arn)


@dataclass(frozen=True)
class Role:
    """A RAM role: who may assume it, what it may do, how long a session may last."""

    name: str
    account: str
    trust: Policy = field(repr=False)
    policies: tuple[Policy, ...] = field(repr=False)
    max_duration: timedelta = timedelta(hours=1)

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return f"acs:ram::{self.account}:role/{self.name}"

    @property
    def role_id(self) -> str:
        """A stable number for the role."""
        return stable_id(self.arn)


@dataclass(frozen=True)
class Session:
    """One assumed role: temporary keys, and the session policy that narrows them."""

    role: Role
    name: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    expiration: datetime
    policy: Policy | None = field(repr=False)

    @property
    def account(self) -> str:
        """The account of the role."""
        return self.role.account

    @property
    def arn(self) -> str:
        """The ARN of the session, not of its role."""
        return f"{self.role.arn}/{self.name}"

    @property
    def principal_id(self) -> str:
        """The role's number and the session name."""
        return f"{self.role.role_id}:{self.name}"


Identity = User | Session


def stable_id(arn: str) -> str:
    """Derive the 18-digit number that stands for an ARN."""
    return str(int.from_bytes(hashlib.sha256(arn.encode()).digest()[:8]) % 10**18).zfill(18)


def permitted(identity: Identity, access: Access) -> bool:
    """Say whether an identity's own policies let it do something.

    A session needs its role's policies and its session policy, each by itself: the session policy
    only narrows (STS: "AssumeRole").
    """
    if isinstance(identity, User):
        return allows(identity.policies, access)
    if not allows(identity.role.policies, access):
        return False
    return identity.policy is None or allows((identity.policy,), access)


class Accounts:
    """All identities, found by AccessKey id or ARN.

    Args:
        users: The RAM users.
        roles: The roles.
        clock: Its virtual time decides which sessions live.
        random_text: Gives unguessable URL-safe text made of so many bytes.
        vault: Keeps sessions for a next run; None keeps none.
    """

    def __init__(
        self,
        users: Iterable[User],
        roles: Iterable[Role],
        clock: Clock,
        random_text: Callable[[int], str] = secrets.token_urlsafe,
        vault: Vault | None = None,
    ) -> None:
        self._users = {user.access_key_id: user for user in users}
        self._roles = {role.arn: role for role in roles}
        self._sessions: dict[str, Session] = {}
        self._clock = clock
        self._random_text = random_text
        self._vault = vault
        for saved in vault.load() if vault else ():
            role = self._roles.get(saved.role)
            if role is not None:  # else the role went away with its configuration
                self._sessions[saved.access_key_id] = _restored(saved, role)

    def user(self, access_key_id: str) -> User | None:
        """Find the user that owns a long-lived key."""
        return self._users.get(access_key_id)

    def session(self, access_key_id: str) -> Session | None:
        """Find a session by its temporary key, expired ones included for a while."""
        return self._sessions.get(access_key_id)

    def role(self, arn: str) -> Role | None:
        """Find a role."""
        return self._roles.get(arn)

    def is_token(self, text: str) -> bool:
        """Say whether a text is the security token of any known session."""
        given = text.encode(errors="surrogateescape")
        return any(
            hmac.compare_digest(session.security_token.encode(), given)
            for session in self._sessions.values()
        )

    def assume(self, role: Role, name: str, duration: timedelta, policy: Policy | None) -> Session:
        """Open a session; the caller has already been found entitled to it.

        Args:
            role: The role to assume.
            name: The session name.
            duration: How long the keys live in virtual time.
            policy: The session policy, or None for all that the role may do.
        """
        now = self._clock.now().replace(microsecond=0)
        self._forget(now - FORGET_AFTER)
        session = Session(
            role=role,
            name=name,
            access_key_id=f"STS.{self._random_text(18)}",
            access_key_secret=self._random_text(33),
            security_token=f"CAIS{self._random_text(TOKEN_BYTES)}",
            expiration=now + duration,
            policy=policy,
        )
        self._keep(session)
        return session

    def expire(self, access_key_id: str | None = None) -> int:
        """Let one live session, or all, expire now.

        Args:
            access_key_id: The temporary key, or None for all.

        Returns:
            How many sessions were alive until now.
        """
        now = self._clock.now()
        hit = [
            session
            for session in self._sessions.values()
            if session.expiration > now and access_key_id in (None, session.access_key_id)
        ]
        for session in hit:
            self._keep(replace(session, expiration=now))
        return len(hit)

    def revoke(self, access_key_id: str | None = None) -> int:
        """Forget one session, or all: their keys and tokens are unknown from now on.

        Args:
            access_key_id: The temporary key, or None for all.

        Returns:
            How many sessions were known until now, expired ones included.
        """
        hit = [key for key in self._sessions if access_key_id in (None, key)]
        self._remove(hit)
        return len(hit)

    def _forget(self, before: datetime) -> None:
        self._remove([k for k, s in self._sessions.items() if s.expiration < before])

    def _keep(self, session: Session) -> None:
        if self._vault is not None:
            self._vault.save(_saved(session))
        self._sessions[session.access_key_id] = session

    def _remove(self, keys: list[str]) -> None:
        if self._vault is not None:
            self._vault.forget(keys)
        for key in keys:
            del self._sessions[key]


def _saved(session: Session) -> Saved:
    return Saved(
        access_key_id=session.access_key_id,
        access_key_secret=session.access_key_secret,
        security_token=session.security_token,
        role=session.role.arn,
        name=session.name,
        expiration=session.expiration.isoformat(),
        policy=None if session.policy is None else session.policy.source,
    )


def _restored(saved: Saved, role: Role) -> Session:
    return Session(
        role=role,
        name=saved.name,
        access_key_id=saved.access_key_id,
        access_key_secret=saved.access_key_secret,
        security_token=saved.security_token,
        expiration=datetime.fromisoformat(saved.expiration),
        policy=None if saved.policy is None else parse_policy(saved.policy),
    )
