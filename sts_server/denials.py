"""Denials: the callers and grants for which vending has been stopped, or everything."""

import tomllib
from dataclasses import dataclass
from typing import Final

from sts_server.errors import CallerNotAllowed, ConfigError, GrantDenied

_NAMES: Final = ("callers", "grants", "everything")


@dataclass(frozen=True, slots=True)
class Denials:
    """What is stopped."""

    callers: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    everything: bool = False

    def __str__(self) -> str:
        """Say how much is stopped."""
        if self.everything:
            return "vending is stopped"
        return f"{len(self.callers)} callers and {len(self.grants)} grants are stopped"

    def refuse_caller(self, caller_id: str) -> None:
        """Raise CallerNotAllowed if vending to this caller is stopped."""
        if self.everything or caller_id in self.callers:
            raise CallerNotAllowed("the operator has stopped vending to this caller")

    def refuse_grant(self, grant: str) -> None:
        """Raise GrantDenied if vending of this grant is stopped."""
        if grant in self.grants:
            raise GrantDenied("the operator has stopped vending of this grant")


NOTHING: Final = Denials()
EVERYTHING: Final = Denials(everything=True)


def read_denials(text: str) -> Denials:
    """Read a deny list.

    Raises:
        ConfigError: with a line for every mistake in it.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        # Not all of them are TOMLDecodeErrors: a number may be too long, a list too deep.
        raise ConfigError(["not TOML, or too much of it"]) from None
    problems = [
        f"{name}: is not known here; known are {', '.join(_NAMES)}"
        for name in document
        if name not in _NAMES
    ]
    if not document:
        # A write that was cut short looks so, too.
        problems.append("says nothing: name callers, grants or everything; they may be empty")
    names: dict[str, frozenset[str]] = {}
    for name in ("callers", "grants"):
        value = document.get(name, [])
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            names[name] = frozenset(value)
        else:
            problems.append(f'{name}: must be a list of names, as ["alice"]')
    everything = document.get("everything", False)
    if not isinstance(everything, bool):
        problems.append("everything: must be true or false")
    if problems:
        raise ConfigError(problems)
    return Denials(names["callers"], names["grants"], everything)
