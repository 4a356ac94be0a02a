"""A flight: one fetch that is under way, and all who wait for it."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from threading import get_ident

from sts_client.credentials import Lease
from sts_client.errors import UsageError

PATIENCE = 1.0
"""Seconds after which those who wait look whether the one they wait for is still at it."""


class Flight(Future[Lease]):
    """One fetch, and the thread that does it."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = get_ident()

    def awaited(self, goes_on: Callable[[], bool]) -> Lease | None:
        """Wait for what another thread fetches; None if it was interrupted: then take over.

        Args:
            goes_on: tells whether this is still the fetch to wait for.
        """
        if self.owner == get_ident():
            raise UsageError(
                "the source of leases, or its token function, asks the provider that waits for "
                "it: give it means of its own"
            )
        while True:
            try:
                error = self.exception(PATIENCE)
            except CancelledError:
                return None
            except TimeoutError:
                if not goes_on() and not self.done():
                    return None
            else:
                if error is not None:
                    raise error
                return self.result()
