"""Parts of the command line's tests: how a command ended."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Done:
    """The exit code of a command, and what it wrote."""

    code: int
    out: str
    err: str


class Run(Protocol):
    """Runs a command on a configuration."""

    def __call__(self, command: str, *words: str) -> Done: ...
