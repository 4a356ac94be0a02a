"""Single requests on the objects of one bucket, for asyncio."""

from sts_client.aio.objects.aside import Aside
from sts_client.aio.objects.payload import AsyncData, AsyncPayload
from sts_client.aio.objects.reading import AsyncObject
from sts_client.aio.objects.service import AsyncObjects, Reach, wait

__all__ = [
    "Aside",
    "AsyncData",
    "AsyncObject",
    "AsyncObjects",
    "AsyncPayload",
    "Reach",
    "wait",
]
