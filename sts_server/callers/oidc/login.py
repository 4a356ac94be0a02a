"""OIDC: a caller proves who they are with a token of an issuer that is trusted here."""

from typing import Final

from sts_server.callers.oidc.claims import caller_of
from sts_server.callers.oidc.issuer import Issuer
from sts_server.callers.oidc.memory import Memory
from sts_server.callers.oidc.token import issuer_of, read, verify
from sts_server.clock import Clock, system_clock
from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from sts_server.settings.oidc import OidcTable


class Oidc:
    """Knows the callers that one issuer knows, each by the token that it signed for them."""

    kind: Final = "oidc"

    def __init__(self, table: OidcTable, issuer: Issuer, *, clock: Clock = system_clock) -> None:
        """Take what tokens must say, and who knows the keys that they are signed with."""
        self.id_prefix = table.id_prefix
        self.table = table
        self._issuer = issuer
        self._memory = Memory()
        self._clock = clock

    def claims(self, token: str) -> bool:
        """Whether a token says that it is this issuer's, true or not; an encrypted one does not."""
        return self._memory.holds(token, self._clock()) or issuer_of(token) == self.table.issuer

    async def authenticate(self, token: str) -> Caller:
        """Tell whose token this is.

        Raises:
            Unauthenticated: it is not genuine, not for this server, or not valid now.
            LoginUnavailable: the issuer's keys are not known and cannot be fetched.
        """
        known = self._issuer.current()
        if known is not None:
            caller = self._memory.find(token, known, self._clock())
            if caller is not None:
                return caller
        unverified = read(token)
        algorithm, key_id = unverified.algorithm, unverified.key_id
        if algorithm not in self.table.algorithms:
            raise Unauthenticated("the token is signed in a way (alg) that is not allowed here")
        keys = await self._issuer.seek(algorithm, key_id)
        (key,) = keys.fitting(algorithm, key_id)
        expires = verify(unverified, key.jwk, self.table, self._clock())
        caller = caller_of(unverified.claims, self.table, expires)
        self._memory.put(token, keys, caller, expires + self.table.leeway)
        return caller
