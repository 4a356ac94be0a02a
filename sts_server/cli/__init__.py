"""The command line: `sts-server serve | check | policy | explain | new-key`."""

from sts_server.cli.program import main

__all__ = ["main"]
