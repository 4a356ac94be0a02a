"""The probe: asks STS again and again, in the background, whether this server could vend."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sts_server.errors import UpstreamFailure
from sts_server.lease import AssumeRole, Lease, RoleRequest
from sts_server.readiness import (
    Evidence,
    Standing,
    Verdict,
    after_call,
    answered,
    pause,
    verdict,
)
from sts_server.scope import SHORTEST

LEAST: Final = 5.0
"""Seconds between two probes, at least: however many calls are refused meanwhile."""

_SESSION = "sts-server-probe"  # no caller's: their names end in a hash
_NOTHING = '{"Version":"1","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"]}]}'

_log = logging.getLogger(__name__)


class Probe:
    """Gathers evidence of what STS thinks of us. For use on one event loop."""

    def __init__(
        self,
        *,
        every: float,
        known: Evidence | None = None,
        identify: Callable[[], Awaitable[object]] | None = None,
        try_role: Callable[[], Awaitable[object]] | None = None,
        least: float = LEAST,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare.

        Args:
            every: seconds between two probes, give or take a tenth.
            known: what is known before the first.
            identify: asks STS who we are, or raises an UpstreamFailure; it needs no right at all,
                so a refusal is about our key.
            try_role: assumes the role, or raises the same; asked only where that is in doubt.
            least: seconds between two probes, even where a doubt calls for one.
            chance: gives numbers from 0 to 1, so that replicas do not probe in step.
        """
        self._every = every
        self._identify = identify
        self._try_role = try_role
        self._least = least
        self._chance = chance
        self._evidence = known or Evidence()
        self._doubt = asyncio.Event()
        self._told: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether asks should be sent here."""
        return verdict(self._evidence)

    def watching(self, assume_role: AssumeRole) -> AssumeRole:
        """Learn from the calls that are made for callers, too."""

        async def watched(request: RoleRequest) -> Lease:
            try:
                lease = await assume_role(request)
            except UpstreamFailure as failure:
                self._weigh(after_call(self._evidence, failure))
                raise
            self._weigh(after_call(self._evidence, None))
            return lease

        return watched

    async def once(self) -> None:
        """Probe once: our key, then, where it is in doubt, our right to the role."""
        failure: Exception | None = None
        if self._identify is not None:
            failure = await _failure_of(self._identify())
            self._weigh(replace(self._evidence, key=answered(self._evidence.key, failure)))
        in_doubt = failure is None and self._evidence.role is not Standing.GOOD
        if self._try_role is not None and in_doubt:
            failure = await _failure_of(self._try_role())
            self._weigh(replace(self._evidence, role=answered(self._evidence.role, failure)))
        self._weigh(replace(self._evidence, probed=True))
        self._tell(failure)

    async def run(self) -> None:
        """Probe until cancelled; at once where a caller's call was refused."""
        while True:
            self._doubt.clear()
            await self.once()
            seconds = pause(self._evidence, self._every) * (0.9 + 0.2 * self._chance())
            least = min(self._least, seconds)
            await asyncio.sleep(least)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), seconds - least)

    def _weigh(self, evidence: Evidence) -> None:
        if self._evidence.role is Standing.GOOD and evidence.role is Standing.UNKNOWN:
            self._doubt.set()
        self._evidence = evidence

    def _tell(self, failure: Exception | None) -> None:
        """Tell the operator what changed, and nothing while nothing does."""
        now = f"{self.verdict.why}: {_hint(failure)}" if failure else self.verdict.why
        if now == self._told:
            return
        if not self.verdict.ready:
            _log.error("not ready: %s", now)
        elif failure is not None:
            _log.warning("ready, but the probe failed: %s", _hint(failure))
        elif self._told is not None:
            _log.info("ready")
        self._told = now


def harmless(role_arn: str, external_id: str | None) -> RoleRequest:
    """Write the AssumeRole arguments that try a role: for a session that may do nothing."""
    return RoleRequest(role_arn, _SESSION, _NOTHING, SHORTEST, external_id)


def _hint(failure: Exception) -> str:
    if isinstance(failure, UpstreamFailure):
        return f"{failure.code}: {failure.hint}"
    return type(failure).__name__


async def _failure_of(call: Awaitable[object]) -> Exception | None:
    try:
        await call
    except Exception as error:  # noqa: BLE001 - a probe that fails says so; it never ends the probing
        return error
    return None
