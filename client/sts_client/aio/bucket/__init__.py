"""The face: a bucket as asyncio holds it, opened by `connect`."""

from sts_client.aio.bucket.bucket import AsyncBucket
from sts_client.aio.bucket.connecting import connect

__all__ = ["AsyncBucket", "connect"]
