"""Leases: all that requests want of a provider."""

from typing import Protocol

from sts_client.credentials import Lease


class Leases(Protocol):
    """Whatever has a lease at any moment: a `Provider`, or what stands for one."""

    def lease(self) -> Lease:
        """Return the lease to use now."""

    def refused(self, access_key_id: str) -> Lease:
        """Report a key that OSS did not accept; return the lease to go on with."""

    def mistimed(self, lease: Lease) -> Lease:
        """Report that OSS found the time of a request wrong; return the lease to go on with."""
