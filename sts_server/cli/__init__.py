"""The command line: `sts-server serve | check | new-key`."""

from sts_server.cli.program import main

__all__ = ["main"]
