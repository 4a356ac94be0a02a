"""A child that finds its keys at a URI of its own: its environment, the URI, its life."""

from sts_client.cli.child.environment import environment
from sts_client.cli.child.process import NotStarted, held, run
from sts_client.cli.child.uri import CredentialsUri

__all__ = ["CredentialsUri", "NotStarted", "environment", "held", "run"]
