"""A webhook: a service of the operator's own says whose a token is, so any login plugs in."""

import asyncio
import hashlib
import logging
import math
import re
import time
from typing import Final

from sts_server.callers.remembered import Remembered
from sts_server.callers.webhook_answer import Accepted, Refused, Unusable, Verdict
from sts_server.callers.webhook_call import AskWebhook
from sts_server.clock import Clock, system_clock
from sts_server.errors import LoginUnavailable, Unauthenticated
from sts_server.scope import Caller
from sts_server.settings.webhook import WebhookTable

REMEMBER_REFUSED: Final = 5
"""Seconds for which a token that was refused is not asked about again."""
WAITING: Final = 512
"""Tokens that are asked about, or wait for their turn, at most."""

_LONGEST_TOKEN = 8192  # characters
_TOKEN = re.compile(r"[!-~]+")
_RETRY_AFTER = 5  # seconds: what a caller is told when the webhook is away
_COMPLAIN = 10  # seconds between two lines in the log

_AWAY = "the login service does not answer as it should; ask again in a moment"
_BUSY = "too many tokens are being checked just now; ask again in a moment"

_log = logging.getLogger(__name__)


class Webhook:
    """Asks about each token once at a time, and remembers what it was told. Never a token itself.

    What was refused is remembered apart: a flood of made-up tokens pushes out no good one. For use
    on one event loop.
    """

    kind: Final = "webhook"

    def __init__(
        self,
        table: WebhookTable,
        ask: AskWebhook,
        *,
        size: int = 4096,
        clock: Clock = system_clock,
        stopwatch: Clock = time.monotonic,
    ) -> None:
        """Take the parts.

        Args:
            table: the settings.
            ask: asks the webhook.
            size: tokens remembered at most, of those accepted and of those refused.
            clock: tells until when a proof is good.
            stopwatch: measures how long something is remembered; unlike a clock it is never set.
        """
        self.id_prefix = table.id_prefix
        self._ask = ask
        self._remember = table.remember
        self._patience = table.timeout
        self._turns = asyncio.Semaphore(table.max_calls)
        self._clock = clock
        self._stopwatch = stopwatch
        self._accepted: Remembered[Caller] = Remembered(size)
        self._refused: Remembered[str] = Remembered(size)
        self._calls: dict[bytes, asyncio.Task[Caller]] = {}
        self._complained_at = -math.inf

    def claims(self, token: str) -> bool:
        """Whether the webhook may be asked about a token: about any that no other login claims."""
        return 1 <= len(token) <= _LONGEST_TOKEN

    async def authenticate(self, token: str) -> Caller:
        """Tell whose token this is.

        Raises:
            Unauthenticated: the webhook does not take it, or it is no token.
            LoginUnavailable: the webhook does not answer as it should, or too many ask.
        """
        if not _TOKEN.fullmatch(token):
            raise Unauthenticated("the token holds something else than visible ASCII characters")
        key = hashlib.sha256(token.encode()).digest()
        now = self._stopwatch()
        if (caller := self._accepted.get(key, now)) is not None:
            return caller
        if (why := self._refused.get(key, now)) is not None:
            raise Unauthenticated(why)
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= WAITING:
                raise LoginUnavailable(_BUSY, retry_after=1)
            call = self._calls[key] = asyncio.create_task(self._find_out(key, token))
            call.add_done_callback(_take_notice)
        # A caller who goes away must not take the call from the others who wait for it.
        return await asyncio.shield(call)

    async def _find_out(self, key: bytes, token: str) -> Caller:
        try:
            verdict = await self._in_turn(token)
        finally:
            del self._calls[key]
        now = self._stopwatch()
        if isinstance(verdict, Accepted):
            caller = Caller(
                verdict.user, verdict.groups, verdict.claims, self._clock() + verdict.seconds
            )
            self._accepted.put(key, caller, now + self._remember)
            return caller
        if isinstance(verdict, Refused):
            why = f"the login refused the token: {verdict.reason or 'it does not say why'}"
            self._refused.put(key, why, now + REMEMBER_REFUSED)
            raise Unauthenticated(why)
        self._complain(verdict, now)
        raise LoginUnavailable(_AWAY, retry_after=_RETRY_AFTER)

    async def _in_turn(self, token: str) -> Verdict:
        """Ask within one time for the wait and the call: an end of this server gives no more."""
        asked = False
        try:
            async with asyncio.timeout(self._patience), self._turns:
                asked = True
                return await self._ask(token)
        except TimeoutError:
            if asked:
                return Unusable(f"no answer in {self._patience:g} s")
            raise LoginUnavailable(_BUSY, retry_after=1) from None

    def _complain(self, verdict: Unusable, now: float) -> None:
        """Tell the operator, now and then: who asks in vain asks often."""
        if now - self._complained_at >= _COMPLAIN:
            self._complained_at = now
            _log.error("callers.webhook: %s", verdict.why)


def _take_notice(call: asyncio.Task[Caller]) -> None:
    """Look at a call's error even where nobody waits for it, or asyncio would complain."""
    if not call.cancelled():
        call.exception()
