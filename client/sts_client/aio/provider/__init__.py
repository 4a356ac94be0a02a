"""One fresh lease for all tasks of an event loop."""

from sts_client.aio.provider.opening import leases_from
from sts_client.aio.provider.provider import AsyncProvider

__all__ = ["AsyncProvider", "leases_from"]
