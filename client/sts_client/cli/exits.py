"""How a command ends: exit codes, and which error means which.

0 done, 1 failed, 2 wrong usage, 3 not modified, 4 a condition does not hold or the object exists
already, 5 refused. As shells have it: 126 and 127 for a program that cannot be run or is not there,
128 and the signal's number for one that a signal ended, such as 130 for Ctrl-C, and 141 where
nobody reads the output any more.
"""

from collections.abc import Sequence
from typing import Final

from sts_client.errors import (
    AccessDenied,
    FileAlreadyExists,
    GrantDenied,
    PreconditionFailed,
    StsClientError,
    Unauthenticated,
    UsageError,
)

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_MODIFIED: Final = 3
UNMET: Final = 4
REFUSED: Final = 5
CANNOT_RUN: Final = 126
NOT_FOUND: Final = 127
SIGNALLED: Final = 128
GONE: Final = 141

_CODES: Sequence[tuple[type[StsClientError] | tuple[type[StsClientError], ...], int]] = (
    (UsageError, USAGE),
    ((PreconditionFailed, FileAlreadyExists), UNMET),
    ((AccessDenied, GrantDenied, Unauthenticated), REFUSED),
)


class Failed(StsClientError):
    """A command could not do what it was asked; the text says why, and what to do."""


class Ended(KeyboardInterrupt):
    """A signal asks the program to end, as Ctrl-C does: what is under way is given up.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def code_of(error: StsClientError) -> int:
    """Return the exit code that an error stands for."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
