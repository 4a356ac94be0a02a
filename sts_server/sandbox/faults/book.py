"""The rules in force, and how often each has been met."""

from dataclasses import dataclass
from typing import Any

from sts_server.sandbox.errors import FaultError
from sts_server.sandbox.faults.rule import Rule, Target

MAX_RULES = 100


@dataclass
class _Entry:
    """A rule with its counts."""

    rule: Rule
    fitted: int = 0
    struck: int = 0


class Book:
    """The fault rules in the order they came; the oldest that strikes is the one that acts."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._last = 0

    def add(self, rule: Rule) -> int:
        """Add a rule and give its number.

        Raises:
            FaultError: There are too many already.
        """
        if len(self._entries) >= MAX_RULES:
            raise FaultError(f"there are {MAX_RULES} faults already")
        self._last += 1
        self._entries[self._last] = _Entry(rule)
        return self._last

    def remove(self, number: int) -> bool:
        """Remove one rule and say whether there was one."""
        return self._entries.pop(number, None) is not None

    def clear(self) -> None:
        """Remove all rules."""
        self._entries.clear()

    def strike(self, target: Target) -> Rule | None:
        """Count a request with every rule that it fits, and give the rule that acts on it."""
        acting = None
        for entry in self._entries.values():
            if not entry.rule.fits(target):
                continue
            entry.fitted += 1
            if acting is None and entry.rule.strikes(entry.fitted):
                entry.struck += 1
                acting = entry.rule
        return acting

    def __bool__(self) -> bool:
        return bool(self._entries)

    def as_json(self) -> list[dict[str, Any]]:
        """List all rules, oldest first, with how many requests they fitted and struck."""
        return [
            {"id": number, **entry.rule.as_json(), "fitted": entry.fitted, "struck": entry.struck}
            for number, entry in self._entries.items()
        ]
