"""One fresh lease for all threads."""

from sts_client.provider.holding import Holding
from sts_client.provider.leases import Leases
from sts_client.provider.opening import leases_from, source_of
from sts_client.provider.provider import Provider
from sts_client.provider.refresh import Refresh, in_background, tell

__all__ = [
    "Holding",
    "Leases",
    "Provider",
    "Refresh",
    "in_background",
    "leases_from",
    "source_of",
    "tell",
]
