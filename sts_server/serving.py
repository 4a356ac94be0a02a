"""Serves an application on a socket until SIGTERM or Ctrl-C, with bounds on what a peer may do."""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sts_server.beside import Beside
from sts_server.http.connection import Patience, bounded
from sts_server.http.crowd import Crowd
from sts_server.http.heads import LARGEST
from sts_server.http.peers import Peers
from sts_server.http.seldom import Seldom
from sts_server.settings.server import ServerTable

Reload = Callable[[], Awaitable[None]]
"""Takes other settings while the server runs; deals with whatever is wrong with them itself."""

_log = logging.getLogger(__name__)

_GRACE = 15  # seconds for requests under way at the end: a webhook's timeout and sts.deadline fit
_IDLE = 75  # seconds that a kept connection may be idle: longer than proxies keep theirs (60)
_BACKLOG = 2048  # connections that wait to be accepted
_AT_ONCE = 16  # connections accepted before any of them is looked at
_OTHER_FILES = 128  # open files that are no connection: calls to STS, logs, those just accepted
_FEWEST = 10  # connections


def open_listener(listen: str) -> socket.socket:
    """Listen on an address such as `127.0.0.1:8000` or `[::1]:8000`.

    Raises:
        OSError: it is taken, or none of this machine's.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    # What is accepted here inherits it. Else an answer's body waits 40 ms for the client to
    # acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(listen: str, listener: socket.socket) -> str:
    """Give the URL at which a listener is reached from this machine."""
    host = listen.rpartition(":")[0]
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - not bound
    return f"http://{reachable}:{listener.getsockname()[1]}"


def server_config(
    application: ASGIApp, table: ServerTable | None = None, patience: Patience | None = None
) -> uvicorn.Config:
    """Say how uvicorn serves: what is off by default elsewhere is off or bounded here."""
    table = table or ServerTable()
    crowd = Crowd(affordable(table.max_connections), Peers(table.proxies))
    return uvicorn.Config(
        application,
        access_log=False,
        backlog=_AT_ONCE,
        # httptools is faster, but takes heads without end and a pipeline of requests without end.
        http=bounded(crowd, patience or Patience()),
        h11_max_incomplete_event_size=LARGEST,
        lifespan="on",  # not "auto", which goes on without what could not start
        log_config=None,
        log_level="error",  # its warnings are what strangers send
        loop="asyncio",  # what is tested is what runs, wherever else uvloop is installed
        proxy_headers=False,  # the peer is the peer
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_IDLE,
        ws="none",
    )


def affordable(connections: int) -> int:
    """Make room for connections among this process's open files; give how many there is room for.

    A server that runs out of files can neither accept a connection nor call STS.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            few = max(_FEWEST, soft - _OTHER_FILES)
            _log.warning(
                "at most %d connections, not %d: this process may have %d open files (ulimit -n)",
                few,
                connections,
                soft,
            )
            return few
    return connections


def serve(
    application: ASGIApp,
    listener: socket.socket,
    ready: Callable[[], None],
    table: ServerTable,
    reload: Reload | None = None,
    beside: Beside | None = None,
) -> None:
    """Serve until a signal ends it.

    Args:
        application: what answers.
        listener: an open socket.
        ready: called when requests are answered.
        table: how many connections there may be, and whose.
        reload: called at each SIGHUP, one at a time; without it SIGHUP ends the process.
        beside: what else answers meanwhile.

    Raises:
        KeyboardInterrupt: a second signal came; what was under way is given up.
    """
    config = server_config(application, table)
    with listener, beside.listener if beside else contextlib.nullcontext(), _quiet_end():
        _Server(config, ready, reload, beside).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it answers, not before; loses no request at its end; has another one beside it."""

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
        self._seldom = Seldom(_log)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._complain)
        await super().startup(sockets)
        for listener in sockets or ():
            # asyncio has made it as short as the number it accepts at once.
            listener.listen(_BACKLOG)
        if self.started:
            if self._reload is not None:
                loop.add_signal_handler(signal.SIGHUP, self._start_reload, self._reload)
            if self._beside is not None:
                self._beside.begin()
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._beside.end()) if self._beside else None
        for listener in sockets or ():
            asyncio.get_running_loop().remove_reader(listener)
        # What was accepted a moment ago becomes a connection before the listener is closed.
        await asyncio.sleep(0.01)
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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # uvicorn would log a trace of each request that is given up.
            logging.getLogger("uvicorn.error").disabled = True
            raise KeyboardInterrupt
        super().handle_exit(sig, frame)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what goes wrong on the loop: out of files, asyncio itself does it without end."""
        error = context.get("exception")
        if isinstance(error, OSError) and "accept" in context["message"]:
            self._seldom.warn("cannot accept a connection: %s", error.strerror)
        else:
            loop.default_exception_handler(context)


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
