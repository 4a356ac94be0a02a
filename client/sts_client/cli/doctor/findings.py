"""Findings: what each step of an examination came to, and what to do about it. Pure."""

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step came to.

    Attributes:
        step: what was tried.
        outcome: how it went.
        says: what was seen.
        advice: what to do, or "".
    """

    step: str
    outcome: Outcome
    says: str
    advice: str = ""

    @property
    def line(self) -> str:
        """For people."""
        advice = f" -> {self.advice}" if self.advice else ""
        return f"{self.outcome.value:7}  {self.step}: {self.says}{advice}"


def passed(step: str, says: str) -> Finding:
    """Say that all is well."""
    return Finding(step, Outcome.PASSED, says)


def failed(step: str, says: str, advice: str) -> Finding:
    """Say that something is wrong, and what to do."""
    return Finding(step, Outcome.FAILED, says, advice)


def skipped(step: str, says: str, advice: str = "") -> Finding:
    """Say that it was not tried, and why."""
    return Finding(step, Outcome.SKIPPED, says, advice)
