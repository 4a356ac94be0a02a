"""Leases for event loops: what is at hand is given at once, what is not is fetched by a thread."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future

from sts_client.credentials import Lease
from sts_client.errors import NoLeaseYet
from sts_client.provider import Provider, in_background


class Ahead:
    """Never waits in the thread of whoever asks, except for as long as it takes to look.

    However many coroutines want a lease that is not there, one thread fetches it; that a coroutine
    is cancelled does not concern the others.

    Args:
        provider: the leases.
        behind: runs a function while whoever calls it goes on.
    """

    def __init__(
        self, provider: Provider, behind: Callable[[Callable[[], None]], None] = in_background
    ) -> None:
        self._provider = provider
        self._behind = behind
        self._coming: tuple[int, Future[Lease]] | None = None

    def __repr__(self) -> str:
        return f"Ahead({self._provider!r})"

    async def lease(self) -> Lease:
        """Return the lease to use now, as soon as there is one; raises as `Provider.lease`."""
        lease = self._provider.ready()
        if lease is not None:
            return lease
        return await asyncio.wrap_future(self._fetching())

    def at_hand(self) -> Lease:
        """Return the lease to use now, if there is one.

        Raises:
            NoLeaseYet: there is none. It is being fetched.
            StsClientError: there is none, and this is why the last attempt has failed.
        """
        lease = self._provider.ready()
        if lease is not None:
            return lease
        coming = self._coming
        if coming is not None and coming[0] == os.getpid() and coming[1].done():
            # Told once: whoever asks again begins another attempt.
            self._coming = None
            error = coming[1].exception()
            if error is not None:
                raise error
        self._fetching()
        raise NoLeaseYet(
            "there is no lease at hand, and this must not wait for one: await warm() before, and "
            "again after a long pause; one is being fetched, so trying again helps, too"
        )

    def refused(self, access_key_id: str) -> None:
        """Report a key that OSS did not accept, and have another lease fetched."""
        if self._provider.ready(refused=access_key_id) is None:
            self._fetching()

    def _fetching(self) -> Future[Lease]:
        """Return what becomes the next lease; two threads at once may begin it, which is no harm.

        The provider makes one fetch of both. A child does not wait for its parent's threads.
        """
        coming = self._coming
        if coming is not None and coming[0] == os.getpid() and not coming[1].done():
            return coming[1]
        future: Future[Lease] = Future()
        future.set_running_or_notify_cancel()  # from now on nobody can cancel it
        self._coming = (os.getpid(), future)

        def fetch() -> None:
            try:
                future.set_result(self._provider.lease())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)

        try:
            self._behind(fetch)
        except RuntimeError as error:
            # No more threads: there are too many, or the interpreter is on its way out.
            future.set_exception(error)
        return future
