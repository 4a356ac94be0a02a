"""Whatever hands out leases without blocking; and a source of threads made into such."""

from functools import partial
from typing import Protocol

from sts_client.aio.threads import in_thread
from sts_client.credentials import Lease, LeaseSource


class AsyncLeaseSource(Protocol):
    """Whatever hands out leases."""

    async def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a new lease; `refused` is the AccessKey id of one that OSS did not accept."""


class InThread:
    """Asks a source that blocks, in a thread of its own.

    Args:
        source: such as a `DiskCache`, or one that you wrote for threads.
    """

    def __init__(self, source: LeaseSource) -> None:
        self._source = source

    def __repr__(self) -> str:
        return f"InThread({self._source!r})"

    async def fetch(self, *, refused: str | None = None) -> Lease:
        """Return what the source does; raises what it raises."""
        return await in_thread(partial(self._source.fetch, refused=refused))
