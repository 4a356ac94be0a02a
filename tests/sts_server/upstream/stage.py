"""The stage of upstream's tests: servers that answer as STS does or as nobody should, keys, time."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sts_server.access_key import AccessKey
from sts_server.errors import KeyNotFound
from sts_server.lease import Lease, RoleRequest
from sts_server.upstream.own_key import OwnKey, Source
from sts_server.upstream.sdk import Connection
from sts_server.upstream.sources import GivenKey
from sts_server.upstream.sts import Bounds, Sts
from tests.sts_server.parts import OWN_SECRET, SetClock

REQUEST = RoleRequest(
    "acs:ram::1234567890123456:role/r", "alice-1", '{"Version":"1"}', 900, "ext-id"
)
LEASED: dict[str, Any] = {
    "RequestId": "6894B13B-6D71-4EF5-88FA-F32781734A7F",
    "AssumedRoleUser": {"Arn": "acs:ram::1:role/r/alice-1", "AssumedRoleId": "3:alice-1"},
    "Credentials": {
        "AccessKeyId": "STS.NTexample",
        "AccessKeySecret": "VendedSecret",
        "SecurityToken": "VendedToken+/=",
        "Expiration": "2025-12-01T08:45:00Z",
    },
}


class _Answers(BaseHTTPRequestHandler):
    """Answers each POST with the next of what its server holds, the last one for ever."""

    server: "Server"

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.peers.add(self.client_address)
        self.server.gate.wait()
        status, body = self.server.answers[0]
        if len(self.server.answers) > 1:
            del self.server.answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked may have gone away
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers = answers
        self.paths: list[str] = []
        self.peers: set[object] = set()
        self.gate = threading.Event()
        self.gate.set()


def encoded(body: object) -> bytes:
    """Write a body as STS does, unless it is written already."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@contextlib.contextmanager
def answering(
    status: int,
    body: object,
    tls: ssl.SSLContext | None = None,
    *,
    first: Sequence[tuple[int, object]] = (),
) -> Iterator[Server]:
    """Run a server that gives the `first` answers, one each, and then always the same."""
    server = Server([(status, encoded(body)) for status, body in (*first, (status, body))])
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Rest:
    """A sleep that takes no time, and a stopwatch that moves with it."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class ScriptedSource:
    """Gives the keys it was told, one for each time that it is asked; raises where there is none."""

    keys: list[AccessKey | KeyNotFound]
    asked: int = 0
    forgotten: int = 0

    def find(self) -> AccessKey:
        self.asked += 1
        given = self.keys[0]
        if len(self.keys) > 1:
            del self.keys[0]
        if isinstance(given, KeyNotFound):
            raise given
        return given

    def forget(self) -> None:
        self.forgotten += 1


OWN_KEY = AccessKey("LTAIexample", OWN_SECRET)


def connection(
    endpoint: str, source: Source | None = None, ca_bundle: str | None = None
) -> Connection:
    own_key = OwnKey(source or GivenKey(OWN_KEY))
    return Connection(own_key, endpoint=endpoint, region="cn-hangzhou", ca_bundle=ca_bundle)


def sts_at(
    endpoint: str, source: Source | None = None, ca_bundle: str | None = None, **parts: Any
) -> Sts:
    """Give an STS that does not rest between calls."""
    rest = Rest()
    told = {"clock": SetClock(), "chance": lambda: 0.5, "sleep": rest.sleep}
    bounds = Bounds(**{name: parts.pop(name) for name in Bounds.__slots__ if name in parts})
    return Sts(connection(endpoint, source, ca_bundle), bounds, **{**told, **parts})


def assume(endpoint: str, *args: Any, **parts: Any) -> Lease:
    async def story() -> Lease:
        async with sts_at(endpoint, *args, **parts) as sts:
            return await sts.assume_role(REQUEST)

    return asyncio.run(story())


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def ask(server: Server, *args: Any, **parts: Any) -> Lease:
    return assume(url(server), *args, **parts)


def error(code: str) -> dict[str, str]:
    return {"RequestId": "R", "HostId": "sts", "Code": code, "Message": "LeakyMessage: x"}
