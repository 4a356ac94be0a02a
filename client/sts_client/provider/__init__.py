"""One fresh lease for all threads."""

from sts_client.provider.opening import leases_from, source_from
from sts_client.provider.provider import Provider
from sts_client.provider.refresh import Refresh, in_background

__all__ = ["Provider", "Refresh", "in_background", "leases_from", "source_from"]
