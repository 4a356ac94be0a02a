"""The bucket as asyncio holds it, put together from what it can do."""

from types import TracebackType
from typing import Self

from sts_client.aio.bucket.copies import Copies
from sts_client.aio.bucket.links import Links
from sts_client.aio.bucket.listing import Listing
from sts_client.aio.bucket.reads import Reads
from sts_client.aio.bucket.transfers import Transfers
from sts_client.aio.bucket.writes import Writes
from sts_client.aio.objects import Aside, AsyncObjects
from sts_client.aio.provider import AsyncProvider


class AsyncBucket(Reads, Writes, Copies, Listing, Links, Transfers):
    """A bucket, as far as its grant reaches, for all tasks of one event loop.

    All that is said of `sts_client.Bucket` holds, its errors and its pickles too. Close it, or use
    it in ``async with``, before its loop ends: connections belong to their loop.

    Attributes:
        provider: the leases behind it, for programs that need the credentials themselves.
    """

    def __init__(self, provider: AsyncProvider, objects: AsyncObjects) -> None:
        self.provider = provider
        self._objects = objects
        self._aside = Aside(objects)

    def __repr__(self) -> str:
        return f"AsyncBucket({self.provider!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[AsyncProvider, AsyncObjects]]:
        return type(self), (self.provider, self._objects)

    async def close(self) -> None:
        """Close all connections of this loop."""
        self._aside.close()
        await self._objects.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
