"""Tokens that were verified: whose each one is, until it is over or its issuer's keys change."""

import hashlib

from sts_server.callers.oidc.key_set import KeySet
from sts_server.callers.remembered import Remembered
from sts_server.scope import Caller


class Memory:
    """Remembers callers by the digests of their tokens, so that no token is kept."""

    def __init__(self, size: int = 10_000) -> None:
        """Remember at most `size`; then those go that were shown longest ago."""
        self._size = size
        self._callers: Remembered[Caller] = Remembered(size)
        self._keys: KeySet | None = None

    def holds(self, token: str, now: float) -> bool:
        """Whether a token was verified with the last keys and is not over."""
        return self._callers.get(_digest(token), now) is not None

    def find(self, token: str, keys: KeySet, now: float) -> Caller | None:
        """Tell whose a token is, if it was verified with these very keys and is not over."""
        return self._callers.get(_digest(token), now) if keys is self._keys else None

    def put(self, token: str, keys: KeySet, caller: Caller, until: float) -> None:
        """Remember whose a token is until a moment, as long as the keys are these."""
        if keys is not self._keys:
            self._callers = Remembered(self._size)
            self._keys = keys
        self._callers.put(_digest(token), caller, until)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
