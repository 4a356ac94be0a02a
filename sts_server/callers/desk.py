"""The desk: hands each proof to the one login that claims it, and names whoever it proves."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Protocol

from sts_server.errors import CallerNotAllowed, InvalidArgument, Refusal, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Login(Protocol):
    """One way to prove who is calling.

    Attributes:
        kind: the word for this way, in metrics.
        id_prefix: what its callers' ids, groups and claims begin with here, so that two logins that
            both know an `alice`, or a team of one name, do not share a folder. At most one login
            has none.
    """

    @property
    def kind(self) -> str:
        """Give the word."""

    @property
    def id_prefix(self) -> str:
        """Give the prefix."""


class BearerLogin(Login, Protocol):
    """A login whose callers send `Authorization: Bearer …`."""

    def claims(self, token: str) -> bool:
        """Whether a token looks like one of this login's: then no other is asked about it."""

    async def authenticate(self, token: str) -> Caller:
        """Tell who is calling, in the login's own words, or raise a Refusal."""


class HeaderLogin(Login, Protocol):
    """A login that speaks for its callers in headers of its own, such as a reverse proxy."""

    def claims(self, proof: Proof) -> bool:
        """Whether a proof speaks in these headers, believable or not."""

    async def authenticate(self, proof: Proof) -> Caller:
        """Tell who is calling, in the login's own words, or raise a Refusal."""


class Desk:
    """Where callers prove who they are. One request brings one proof, to one login."""

    def __init__(
        self,
        bearers: Iterable[BearerLogin],
        headers: Iterable[HeaderLogin] = (),
        *,
        judged: Callable[[str, Refusal | None], None] = lambda *_: None,
    ) -> None:
        """Take the logins; of bearers the first that claims a token is the one that is asked.

        Args:
            bearers: logins by `Authorization`.
            headers: logins by headers of their own.
            judged: is told each kind of login that was asked, and its refusal if there was one.
        """
        self._judged = judged
        self._bearers = tuple(bearers)
        self._headers = tuple(headers)
        self._prefixes = tuple(
            login.id_prefix for login in (*self._bearers, *self._headers) if login.id_prefix
        )

    async def authenticate(self, proof: Proof) -> Caller:
        """Tell who is calling.

        Raises:
            InvalidArgument: more than one proof was sent.
            Unauthenticated: none was, or none that is believed.
            CallerNotAllowed: there is no id, or it, a group or a claim could be taken for one of
                another login.
        """
        authorizations = proof.header("authorization")
        if len(authorizations) > 1:
            raise InvalidArgument("more than one Authorization header was sent")
        speaking = [login for login in self._headers if login.claims(proof)]
        if len(speaking) + len(authorizations) > 1:
            raise InvalidArgument("more than one proof of who is calling was sent; send one")
        if speaking:
            return await self._asked(speaking[0], speaking[0].authenticate(proof))
        token = _bearer(authorizations[0] if authorizations else None)
        for login in self._bearers:
            if login.claims(token):
                return await self._asked(login, login.authenticate(token))
        raise Unauthenticated("the Authorization header holds no key or token of this server")

    async def _asked(self, login: Login, answer: Awaitable[Caller]) -> Caller:
        try:
            caller = self._named(login, await answer)
        except Refusal as refusal:
            self._judged(login.kind, refusal)
            raise
        self._judged(login.kind, None)
        return caller

    def _named(self, login: Login, caller: Caller) -> Caller:
        if not caller.id:
            raise CallerNotAllowed("the caller's id is empty, as anybody's could be")
        prefix = login.id_prefix
        if prefix:
            return replace(
                caller,
                id=prefix + caller.id,
                groups=frozenset(prefix + group for group in caller.groups),
                claims={name: _prefixed(prefix, held) for name, held in caller.claims.items()},
            )
        # Whoever may choose their name at the bare login could else choose another login's.
        if any(name.startswith(self._prefixes) for name in (caller.id, *caller.groups)):
            raise CallerNotAllowed("the caller's id or group begins like those of another login")
        for held in caller.claims.values():
            values = (held,) if isinstance(held, str) else held
            if any(value.startswith(self._prefixes) for value in values):
                raise CallerNotAllowed("a claim of the caller begins like those of another login")
        return caller


def _prefixed(prefix: str, held: str | frozenset[str]) -> str | frozenset[str]:
    if isinstance(held, str):
        # Nothing stays nothing: it would become a value that looks like a name.
        return prefix + held if held else held
    return frozenset(prefix + value for value in held if value)


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthenticated("send who you are as 'Authorization: Bearer …'")
    bearer = _BEARER.fullmatch(authorization)
    if bearer is None:
        raise Unauthenticated("the Authorization header is not of the form 'Bearer …'")
    return bearer[1]
