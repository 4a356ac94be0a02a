"""API keys: a caller proves who they are with a secret of which we only hold the digest."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Final

from sts_server.errors import Unauthenticated
from sts_server.scope import Caller

_BYTES: Final = 32
_KEY = re.compile(r"osk_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


def new_key() -> str:
    """Make a key: `osk_` and 43 characters of base64url, 256 random bits."""
    return "osk_" + secrets.token_urlsafe(_BYTES)


def digest(key: str) -> str:
    """Hash a key for the configuration.

    A plain SHA-256 is enough: the key is 256 random bits, so there is nothing to guess or to salt.
    """
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeys:
    """Knows callers by the digests of their keys."""

    def __init__(self, callers: Iterable[tuple[Caller, Iterable[str]]]) -> None:
        """Take each caller with the SHA-256 digests (hexadecimal) of their keys."""
        self._callers = {sha256: caller for caller, digests in callers for sha256 in digests}

    def authenticate(self, authorization: str | None) -> Caller:
        """Tell who is calling.

        Args:
            authorization: the request's `Authorization` header, or None.

        Raises:
            Unauthenticated: the header is missing, is no Bearer key, or names a key unknown here.
        """
        if authorization is None:
            raise Unauthenticated("send your key as 'Authorization: Bearer osk_…'")
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None or not _KEY.fullmatch(bearer[1]):
            raise Unauthenticated(
                "the Authorization header holds no key of this server ('Bearer osk_…')"
            )
        # Looking up by digest tells an attacker's stopwatch nothing about any real key.
        caller = self._callers.get(digest(bearer[1]))
        if caller is None:
            raise Unauthenticated("this key is not, or no longer, known here")
        return caller
