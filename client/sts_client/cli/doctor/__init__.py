"""The doctor: tries what a lease says, inside its scope and outside, and its surroundings."""

from sts_client.cli.doctor.command import add_to

__all__ = ["add_to"]
