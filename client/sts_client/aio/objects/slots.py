"""Slots: so many requests at a time. Who waits for one has no lease yet that could die of it."""

import asyncio
import os
from collections.abc import Callable

from sts_client.errors import TimedOut, UsageError

TURN = 300.0
"""Seconds to wait for a slot: who waits longer, waits for objects that nobody reads."""


class Slots:
    """Lets so many tasks of a loop do something at a time; the others wait in their order.

    Args:
        count: at least 1.
        turn: seconds to wait for one.

    Raises:
        UsageError: it is less.
    """

    def __init__(self, count: int, turn: float = TURN) -> None:
        if count < 1:
            raise UsageError("connections is a number from 1")
        self._count = count
        self._turn = turn
        self._owner: tuple[asyncio.AbstractEventLoop, int] | None = None
        self._free = asyncio.Semaphore(count)

    async def take(self) -> Callable[[], None]:
        """Wait for a slot and return what gives it back, however often that is called.

        Raises:
            TimedOut: none came free.
        """
        owner = (asyncio.get_running_loop(), os.getpid())
        if self._owner != owner:
            # What another loop took ended with it.
            self._owner, self._free = owner, asyncio.Semaphore(self._count)
        free = self._free
        if free.locked():
            try:
                async with asyncio.timeout(self._turn):
                    await free.acquire()
            except TimeoutError:
                raise TimedOut(
                    f"none of {self._count} connections came free: read objects to their end, or "
                    f"close them"
                ) from None
        else:
            await free.acquire()
        taken = True

        def give_back() -> None:
            nonlocal taken
            if taken:
                taken = False
                free.release()

        return give_back
