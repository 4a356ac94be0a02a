"""Serves an application on a socket until SIGTERM or Ctrl-C, with bounds on what a peer may do."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from sts_server.beside import Beside

Reload = Callable[[], Awaitable[None]]
"""Takes other settings while the server runs; deals with whatever is wrong with them itself."""

_GRACE = 15  # seconds that requests under way are given at the end: more than one call to STS takes
_LARGEST_HEAD = 16 * 1024  # bytes of request line and headers; a bearer token has 47, a JWT 2,000


def open_listener(listen: str) -> socket.socket:
    """Listen on an address such as `127.0.0.1:8000` or `[::1]:8000`.

    Raises:
        OSError: it is taken, or none of this machine's.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=2048)
    # What is accepted here inherits it. Else an answer's body waits 40 ms for the client to
    # acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(listen: str, listener: socket.socket) -> str:
    """Give the URL at which a listener is reached from this machine."""
    host = listen.rpartition(":")[0]
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - not bound
    return f"http://{reachable}:{listener.getsockname()[1]}"


def server_config(application: ASGIApp) -> uvicorn.Config:
    """Say how uvicorn serves: what is off by default elsewhere is off or bounded here."""
    return uvicorn.Config(
        application,
        access_log=False,
        # httptools is faster, but takes heads without end and a pipeline of requests without end.
        http="h11",
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        lifespan="on",  # not "auto", which goes on without what could not start
        log_config=None,
        log_level="warning",
        proxy_headers=False,  # the peer is the peer
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        ws="none",
    )


def serve(
    application: ASGIApp,
    listener: socket.socket,
    ready: Callable[[], None],
    reload: Reload | None = None,
    beside: Beside | None = None,
) -> None:
    """Serve until a signal ends it.

    Args:
        application: what answers.
        listener: an open socket.
        ready: called when requests are answered.
        reload: called at each SIGHUP, one at a time; without it SIGHUP ends the process.
        beside: what else answers meanwhile.
    """
    with listener, beside.listener if beside else contextlib.nullcontext(), _quiet_end():
        _Server(server_config(application), ready, reload, beside).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it answers, not before; listens to one more signal; has another one beside it."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        reload: Reload | None,
        beside: Beside | None,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._reload = reload
        self._turn = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()
        self._beside = beside

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if self._reload is not None:
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(signal.SIGHUP, self._start_reload, self._reload)
            if self._beside is not None:
                self._beside.begin()
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._beside.end()) if self._beside else None
        await super().shutdown(sockets)
        if ending is not None:
            await ending

    def _start_reload(self, reload: Reload) -> None:
        task = asyncio.get_running_loop().create_task(self._in_turn(reload))
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _in_turn(self, reload: Reload) -> None:
        async with self._turn:
            await reload()


@contextlib.contextmanager
def _quiet_end() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end quietly: uvicorn raises them once more when it has stopped."""
    signs = (signal.SIGINT, signal.SIGTERM)
    before = {sign: signal.signal(sign, lambda *_: None) for sign in signs}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
