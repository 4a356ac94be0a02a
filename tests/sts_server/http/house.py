"""A running server with the parts that a test may turn, and ways to speak to it byte by byte."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
import uvicorn
from starlette.types import ASGIApp

from sts_server.app import App
from sts_server.audit import Record
from sts_server.config import Settings
from sts_server.http.connection import Patience
from sts_server.lease import Lease, RoleRequest
from sts_server.serving import open_listener, server_config
from sts_server.settings.server import ServerTable
from tests.sts_server.parts import ALICE_KEY, CONFIG, ScriptedSts, SetClock, read


@contextmanager
def serving(
    application: ASGIApp,
    table: ServerTable | None = None,
    patience: Patience | None = None,
    listener: socket.socket | None = None,
) -> Iterator[str]:
    """Serve an application on a free port of this machine, or where somebody may wait already."""
    listener = listener or open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application, table, patience))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@dataclass
class House:
    """A running server with the parts that a test may turn."""

    url: str
    sts: ScriptedSts
    clock: SetClock
    audit: list[Record] = field(default_factory=list)

    def get(
        self, path: str, key: str | None = ALICE_KEY, method: str = "GET", **headers: str
    ) -> requests.Response:
        """Ask as a caller with a key; a header's `_` is a dash."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        return requests.request(method, self.url + path, headers=sent, timeout=10)

    def connect(self) -> socket.socket:
        """Open a connection."""
        where = urlsplit(self.url)
        return socket.create_connection((where.hostname, where.port), timeout=20)


@dataclass
class SlowSts(ScriptedSts):
    """Takes its time."""

    latency: float = 0

    async def __call__(self, request: RoleRequest) -> Lease:
        await asyncio.sleep(self.latency)
        return await super().__call__(request)


@contextmanager
def running(
    server: str = "",
    *,
    settings: Settings | None = None,
    patience: Patience | None = None,
    latency: float = 0,
) -> Iterator[House]:
    """Run a house with other settings: lines of its `[server]` table, or all of them.

    Args:
        server: the lines.
        settings: all settings, in place of the lines.
        patience: what peers are given.
        latency: seconds that STS takes.
    """
    settings = settings or read(f"[server]\n{server}\n{CONFIG}")
    clock = SetClock()
    sts = SlowSts(clock, latency=latency)
    audit: list[Record] = []
    application = App(settings, assume_role=sts, audit=audit.append, clock=clock)
    with serving(application, settings.tables.server, patience) as url:
        yield House(url, sts, clock, audit)


def exchange(house: House, request: bytes) -> bytes:
    """Send bytes, close our half, read what comes until the server closes its own."""
    with house.connect() as connection:
        with contextlib.suppress(OSError):  # it may have hung up before we could
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        return heard(connection)


def one_answer(connection: socket.socket) -> bytes:
    """Read one answer with a body, and nothing after it."""
    answer = b""
    while not (head := re.search(rb"(?s).*\r\ncontent-length: ([0-9]+).*?\r\n\r\n", answer)):
        answer += _more(connection)
    while len(answer) < head.end() + int(head[1]):
        answer += _more(connection)
    return answer


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise ConnectionError
    return part


def heard(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            answer += part
    return answer
