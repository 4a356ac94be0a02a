"""The live application: answers by one generation of settings, changes to the next as a whole."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(slots=True, eq=False)
class Generation:
    """An application made from one configuration.

    Attributes:
        app: what answers.
        running: entered before its first answer, left after its last one.
        under_way: requests that it is answering.
        idle: told when the last of them is answered.
    """

    app: ASGIApp
    running: AbstractAsyncContextManager[None]
    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """An application whose settings change while it runs, all at once or not at all."""

    def __init__(self, first: Generation) -> None:
        """Begin with one generation."""
        self._current = first
        self._retiring: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange with the newest settings; it keeps them to its end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        generation = self._current
        generation.under_way += 1
        try:
            await generation.app(scope, receive, send)
        finally:
            generation.under_way -= 1
            if not generation.under_way:
                generation.idle.set()

    async def change_to(self, following: Generation) -> None:
        """Answer with another generation from now on.

        What the old one is answering is answered by it, and then its parts are let go. If the new
        one cannot start, the old one stays, and what kept it from starting is raised.
        """
        await following.running.__aenter__()
        old, self._current = self._current, following
        retirement = asyncio.create_task(_retire(old))
        self._retiring.add(retirement)
        retirement.add_done_callback(self._retiring.discard)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._current.running.__aenter__()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._current.running.__aexit__(None, None, None)
        await asyncio.gather(*self._retiring)
        await send({"type": "lifespan.shutdown.complete"})


async def _retire(generation: Generation) -> None:
    while generation.under_way:
        generation.idle.clear()
        await generation.idle.wait()
    await generation.running.__aexit__(None, None, None)
