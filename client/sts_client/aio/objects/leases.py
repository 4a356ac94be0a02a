"""The leases of an event loop's provider, for threads beside it."""

import asyncio
from collections.abc import Coroutine

from sts_client.aio.provider import AsyncProvider
from sts_client.credentials import Lease
from sts_client.errors import UsageError

PATIENCE = 1.0
"""Seconds after which a thread looks whether the loop it waits for is still running."""


class LoopLeases:
    """Asks the provider within its loop, and waits here.

    Args:
        provider: serves that loop.
        loop: running, in another thread.
    """

    def __init__(self, provider: AsyncProvider, loop: asyncio.AbstractEventLoop) -> None:
        self._provider = provider
        self._loop = loop

    def lease(self) -> Lease:
        """Return the lease to use now."""
        return self._asked(self._provider.lease())

    def refused(self, access_key_id: str) -> Lease:
        """Report a key that OSS did not accept; return the lease to go on with."""
        return self._asked(self._provider.refused(access_key_id))

    def mistimed(self, lease: Lease) -> Lease:
        """Report that OSS found the time of a request wrong; return the lease to go on with."""
        return self._asked(self._provider.mistimed(lease))

    def _asked(self, question: Coroutine[object, object, Lease]) -> Lease:
        try:
            future = asyncio.run_coroutine_threadsafe(question, self._loop)
        except RuntimeError:  # it is closed
            question.close()
        else:
            while True:
                try:
                    return future.result(PATIENCE)
                except TimeoutError:
                    if future.done():
                        raise
                    if not self._loop.is_running():
                        break
        raise UsageError("the event loop that has the leases is not running any more")
