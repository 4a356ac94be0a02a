"""The command line ``sts-client``."""

from sts_client.cli.program import main
from sts_client.cli.streams import Streams

__all__ = ["Streams", "main"]
