"""API keys: a caller proves who they are with a secret of which we only hold the digest."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Final

from sts_server.clock import Clock, system_clock
from sts_server.errors import Unauthenticated
from sts_server.scope import Caller

_BYTES: Final = 32
_START: Final = "osk_"
_KEY = re.compile(r"osk_[A-Za-z0-9_-]{43}")


def new_key() -> str:
    """Make a key: `osk_` and 43 characters of base64url, 256 random bits."""
    return _START + secrets.token_urlsafe(_BYTES)


def digest(key: str) -> str:
    """Hash a key for the configuration.

    A plain SHA-256 is enough: the key is 256 random bits, so there is nothing to guess or to salt.
    """
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeys:
    """Knows callers by the digests of their keys."""

    kind: Final = "api_key"

    def __init__(
        self,
        keys: Iterable[tuple[str, Caller]],
        *,
        id_prefix: str = "",
        clock: Clock = system_clock,
    ) -> None:
        """Take each key as its SHA-256 digest (hexadecimal), with whose it is and until when."""
        self._callers = dict(keys)
        self.id_prefix = id_prefix
        self._clock = clock

    def claims(self, token: str) -> bool:
        """Whether there is a key in a token, whole or not, alone or not: nobody else may see it."""
        return _START in token

    async def authenticate(self, token: str) -> Caller:
        """Tell whose key this is.

        Raises:
            Unauthenticated: it is no key, unknown here, or over.
        """
        if not _KEY.fullmatch(token):
            raise Unauthenticated("the key is not whole: it is osk_ and 43 characters")
        # Looking up by digest tells an attacker's stopwatch nothing about any real key.
        caller = self._callers.get(digest(token))
        if caller is None:
            raise Unauthenticated("this key is not, or no longer, known here")
        if caller.expires is not None and caller.expires <= self._clock():
            raise Unauthenticated("this key is over; ask the operator for a new one")
        return caller
