"""Sockets, and uvicorn bound to them without the habits that do not fit here."""

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sts_server.sandbox.errors import SettingError

PORT_TRIES = 16
GRACE_SECONDS = 1
IDLE_SECONDS = 60  # longer than a pool of connections usually rests
BACKLOG = 1024


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 that lets the application drop its connection, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        """Begin a request; its scope says how to cut the connection under it."""
        super().on_message_begin()
        cut: dict[object, object] = {"abort": self.transport.abort, "close": self.transport.close}
        self.scope["extensions"] = {"sandbox.cut": cut}


class Listener(uvicorn.Server):
    """One uvicorn server that leaves signals to the program and says nothing about itself.

    Args:
        app: The ASGI application.
        tls: What to serve HTTPS with; None serves HTTP.
    """

    def __init__(self, app: Any, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                backlog=BACKLOG,
                http=Protocol,
                lifespan="off",
                log_config=None,
                log_level="critical",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
                ws="none",
            )
        )
        self.config.load()
        self.config.ssl = tls  # it would read files, and our key is in none

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the program owns them."""
        yield


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind a host; `127.0.0.1` brings `::1` along, because `localhost` may be either.

    Args:
        host: A name or address.
        port: A port, or 0 for any.

    Raises:
        SettingError: The address cannot be bound.
    """
    if host not in ("127.0.0.1", "localhost"):
        return [_bind(host, port)]
    for _ in range(PORT_TRIES):
        first = _bind("127.0.0.1", port)
        try:
            return [first, _bind("::1", first.getsockname()[1])]
        except SettingError as error:
            if getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
                return [first]  # a machine without IPv6
            first.close()
            if port:
                raise
    raise SettingError("no port is free on both 127.0.0.1 and ::1")


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        # asyncio sets TCP_NODELAY only where the protocol is spelled out; without it a small
        # answer waits 40 ms for the acknowledgement of its own headers.
        return socket.socket(family, bound.type, socket.IPPROTO_TCP, bound.detach())
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound: {error}"
        raise SettingError(f"{host} port {port} {reason}") from error
