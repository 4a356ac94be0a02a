"""Readiness: whether this server can vend, judged by what STS answered."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from sts_server.errors import UpstreamRefused

_STARTING: Final = 1  # seconds: the first probe ends soon
_REFUSED: Final = 10  # seconds: how soon a refused server is probed again


class Standing(Enum):
    """What STS thinks of our key, or of our right to the role."""

    UNKNOWN = "unknown"
    GOOD = "good"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known.

    Attributes:
        probed: whether a first probe has ended, whatever came of it.
    """

    probed: bool = False
    key: Standing = Standing.UNKNOWN
    role: Standing = Standing.UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether asks should be sent here.

    Attributes:
        why: one of a few fixed words: never what STS said.
        retry_after: seconds after which looking again makes sense, or None if ready.
    """

    ready: bool
    why: str
    retry_after: int | None = None


def verdict(evidence: Evidence) -> Verdict:
    """Judge. An outage of STS alone is no reason: leases that are kept still serve."""
    if not evidence.probed:
        return Verdict(ready=False, why="starting", retry_after=_STARTING)
    if evidence.key is Standing.REFUSED:
        return Verdict(ready=False, why="key refused", retry_after=_REFUSED)
    if evidence.role is Standing.REFUSED:
        return Verdict(ready=False, why="role refused", retry_after=_REFUSED)
    return Verdict(ready=True, why="vending")


def answered(before: Standing, failure: Exception | None) -> Standing:
    """Give the standing after a probe; only what STS answers counts, so silence changes nothing."""
    if failure is None:
        return Standing.GOOD
    return Standing.REFUSED if isinstance(failure, UpstreamRefused) else before


def after_call(evidence: Evidence, failure: Exception | None) -> Evidence:
    """Weigh an AssumeRole made for a caller.

    A refusal only raises a doubt, which the next probe settles: STS may have refused what was
    special about this one call, and no caller may take the whole server out of service.
    """
    if failure is None:
        return Evidence(probed=True, key=Standing.GOOD, role=Standing.GOOD)
    if isinstance(failure, UpstreamRefused) and evidence.role is Standing.GOOD:
        return replace(evidence, role=Standing.UNKNOWN)
    return evidence


def pause(evidence: Evidence, every: float) -> float:
    """Give the seconds until the next probe: fewer while something is refused or in doubt."""
    settled = evidence.key is not Standing.REFUSED and evidence.role is Standing.GOOD
    return every if settled else min(every, _REFUSED)
