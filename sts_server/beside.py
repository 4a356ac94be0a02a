"""A second server beside the first one: on the same loop, and over when the first one is."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn

_GRACE = 2  # seconds for requests under way at the end; it begins when the first one's does


class Beside(uvicorn.Server):
    """Serves on an open socket. Signals are the first server's to take."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        """Prepare to serve what `config` says."""
        config.timeout_graceful_shutdown = _GRACE
        super().__init__(config)
        self.listener = listener
        self._serving: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    def begin(self) -> None:
        """Serve from now on; call it on the loop."""
        self._serving = asyncio.create_task(self.serve(sockets=[self.listener]))

    async def end(self) -> None:
        """Serve what is under way, and no more."""
        self.should_exit = True
        if self._serving is not None:
            await asyncio.wait([self._serving])
