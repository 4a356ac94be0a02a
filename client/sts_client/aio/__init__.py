"""The same for asyncio: leases and objects, and no event loop is ever blocked."""

from sts_client.aio.bucket import AsyncBucket, connect
from sts_client.aio.objects import AsyncData, AsyncObject
from sts_client.aio.provider import AsyncProvider, leases_from
from sts_client.aio.source import (
    AsyncFallbacks,
    AsyncLeaseSource,
    AsyncToken,
    AsyncVendingServer,
    InThread,
)

__all__ = [
    "AsyncBucket",
    "AsyncData",
    "AsyncFallbacks",
    "AsyncLeaseSource",
    "AsyncObject",
    "AsyncProvider",
    "AsyncToken",
    "AsyncVendingServer",
    "InThread",
    "connect",
    "leases_from",
]
