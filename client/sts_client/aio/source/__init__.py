"""Where leases come from: the vending server, asked without blocking."""

from sts_client.aio.source.fallbacks import AsyncFallbacks
from sts_client.aio.source.lease_source import AsyncLeaseSource, InThread
from sts_client.aio.source.token import AsyncToken, waits
from sts_client.aio.source.vending import AsyncVendingServer

__all__ = [
    "AsyncFallbacks",
    "AsyncLeaseSource",
    "AsyncToken",
    "AsyncVendingServer",
    "InThread",
    "waits",
]
