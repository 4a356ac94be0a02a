"""How a command ends: exit codes, and the error that ends one."""

from typing import Final

from sts_server.errors import StsServerError

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
"""Wrong usage or configuration."""
REFUSED: Final = 5
"""What was asked about would be refused."""
INTERRUPTED: Final = 130
"""Interrupted before there was anything to end."""


class Failed(StsServerError):
    """A command could not do what it was asked; the text says why, and what to do."""
