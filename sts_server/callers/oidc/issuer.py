"""The keys of one issuer as they are known now: fetched once for all, kept in an outage."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from sts_server.callers.oidc.key_set import KeySet
from sts_server.clock import Clock
from sts_server.errors import LoginUnavailable, Unauthenticated

FRESH: Final = 300
"""Seconds after which keys are fetched again, behind those who ask."""
PAUSE: Final = 30
"""Seconds between two fetches for a key that is not known, and after one that failed."""

_FIRST_PAUSE = 5  # seconds after a failed fetch where there are no keys yet
_IDLE = 600  # seconds without a fetch after which keys are no longer used unasked

_log = logging.getLogger(__name__)


class Issuer:
    """Knows the keys of one issuer. For use on one event loop."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[KeySet]],
        *,
        stopwatch: Clock = time.monotonic,
    ) -> None:
        """Know no keys yet: they are fetched when the first token comes.

        Args:
            name: the issuer, for the log.
            fetch: gets the keys, or raises a LoginUnavailable that says why to the log. It ends by
                itself in a short time.
            stopwatch: measures pauses; unlike a clock it is never set.
        """
        self._name = name
        self._fetch = fetch
        self._stopwatch = stopwatch
        self._keys: KeySet | None = None
        self._call: asyncio.Task[None] | None = None
        self._failed = False
        self._stale = False
        self._tried = -math.inf  # when the last fetch began
        self._due = -math.inf  # when the next one may
        self._sought = -math.inf  # when one last began for a key that is not known

    def current(self) -> KeySet | None:
        """Give the keys that may be used unasked, having them renewed behind when it is time."""
        now = self._stopwatch()
        if self._keys is not None and now >= self._due:
            # Keys that nobody looked after for long may have been withdrawn since.
            self._stale = now - self._tried > _IDLE
            self._start(now)
        return None if self._stale else self._keys

    async def seek(self, algorithm: str, key_id: str | None) -> KeySet:
        """Give keys of which one fits a token, asking the issuer if none of the known does.

        Raises:
            Unauthenticated: none fits, or which one is not said.
            LoginUnavailable: none fits, and the issuer cannot be asked.
        """
        keys = self.current()
        if keys is None:
            keys = await self._asked(seeking=False)
        elif not keys.fitting(algorithm, key_id):
            keys = await self._asked(seeking=True)
        match len(keys.fitting(algorithm, key_id)):
            case 1:
                return keys
            case 0 if self._failed:
                raise self._away()
            case 0:
                raise Unauthenticated("the token is signed with a key that is not its issuer's")
            case _:
                raise Unauthenticated("the token does not say which key it is signed with (kid)")

    async def _asked(self, *, seeking: bool) -> KeySet:
        """Wait for a fetch, if one is under way or may begin; give what is known then."""
        now = self._stopwatch()
        # Anybody can name keys that do not exist: all who do share one fetch in each pause.
        if self._call is None and now >= (self._sought + PAUSE if seeking else self._due):
            self._sought = now if seeking else self._sought
            self._start(now)
        if self._call is not None:
            # A caller who goes away must not take the fetch from the others who wait for it.
            await asyncio.shield(self._call)
        if self._keys is None:
            raise self._away()
        return self._keys

    def _start(self, now: float) -> None:
        self._tried, self._due = now, math.inf
        self._call = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        """Fetch. Says nothing to those who wait: what is known then is what counts."""
        try:
            keys = await self._fetch()
        except LoginUnavailable as failure:
            _log.warning("issuer %s: its keys cannot be fetched: %s", self._name, failure.detail)
            self._failed = True
        else:
            self._failed = False
            # Tokens that were verified stay so while the issuer shows the same keys.
            if self._keys is None or keys.document != self._keys.document:
                self._keys = keys
                if not keys.keys:
                    _log.warning("issuer %s: shows no key that can be used here", self._name)
        finally:
            pause = PAUSE if self._failed else FRESH
            self._due = self._stopwatch() + (_FIRST_PAUSE if self._keys is None else pause)
            self._call, self._stale = None, False

    def _away(self) -> LoginUnavailable:
        return LoginUnavailable(
            "the issuer of the token cannot be asked for its keys; try again in a moment",
            retry_after=max(1, math.ceil(min(PAUSE, self._due - self._stopwatch()))),
        )
