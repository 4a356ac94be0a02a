"""A stage for the client's tests: leases, and servers that answer what a test tells them to."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sts_client import Credentials, Lease

NOW = 1_764_577_800.0  # 2025-12-01T08:30:00Z
SECRET = "ExampleAccessKeySecret0123456789"
TOKEN = "CAISexample/Token+with=specials=="
BEARER = "bearer-that-nobody-may-see"
SECRETS = (SECRET, TOKEN, BEARER)

LEASE = Lease(
    credentials=Credentials("STS.NTExampleAccessKeyId", SECRET, TOKEN),
    bucket="examplebucket",
    region="cn-hangzhou",
    endpoint="http://127.0.0.1:9",
    style="path",
    prefix="users/alice/",
    actions=("get", "put", "list"),
    issued=NOW,
    refresh_after=NOW + 1800,
    expiry=NOW + 3600,
)


def lease(number: int = 1, **changes: Any) -> Lease:
    """Return a lease whose credentials are the `number`-th of their kind."""
    credentials = Credentials(f"STS.{number}", f"{SECRET}{number}", TOKEN)
    return replace(LEASE, credentials=credentials, **changes)


def lease_body(**changes: Any) -> dict[str, Any]:
    """Return what a vending server sends; a change to None takes a field out."""
    body: dict[str, Any] = {
        "Code": "Success",
        "StatusCode": 200,
        "AccessKeyId": "STS.1",
        "AccessKeySecret": SECRET,
        "SecurityToken": TOKEN,
        "Expiration": "2025-12-01T09:30:00Z",
        "LastUpdated": "2025-12-01T08:30:00Z",
        "Lease": {
            "Bucket": "examplebucket",
            "Region": "cn-hangzhou",
            "Endpoint": "https://oss-cn-hangzhou.aliyuncs.com",
            "Style": "virtual",
            "Prefix": "users/alice/",
            "Actions": ["get", "put", "list"],
            "RefreshAfter": "2025-12-01T09:00:00Z",
            "ServerTime": "2025-12-01T08:30:01Z",
            "RequestId": "0123-abc",
        },
    }
    for name, value in changes.items():
        place = body["Lease"] if name in body["Lease"] else body
        place[name] = value
        if value is None:
            del place[name]
    return body


@dataclass(frozen=True)
class Asked:
    """A request as it arrived: nothing in it is decoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a server says, byte for byte."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None  # announced in place of the true one
    hold: threading.Event | None = None  # waited for when all of the body is sent
    dropped: bool = False  # the connection is closed and nothing said
    more: Iterable[bytes] = ()  # sent behind the body until there is no more or nobody listens


@dataclass
class Stage:
    """A running server and what it was asked."""

    url: str
    asked: list[Asked]
    connections: list[object]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # what is not taken in at once would be tried again after a second

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.stage = Stage(f"http://127.0.0.1:{self.server_port}", [], [])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.stage.connections.append(self.client_address)

    def _serve(self) -> None:
        self.close_connection = False
        # The line as it came: http.server tidies up its own `path`.
        target = self.requestline.split(" ")[1]
        asked = Asked(self.command, target, dict(self.headers.items()), self._body())
        self.server.stage.asked.append(asked)
        answer = self.server.answer(asked)
        if answer.dropped:
            self.close_connection = True
        else:
            self._say(answer)

    do_GET = do_PUT = do_HEAD = do_DELETE = _serve  # noqa: N815 -- the names are http.server's

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, found: Answer) -> None:
        length = len(found.body) if found.length is None else found.length
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in found.headers and not found.more:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(OSError):  # nobody is there any more
            self.wfile.write(found.body)
        for part in found.more:
            try:
                self.wfile.write(part)
            except OSError:
                break  # nobody is there any more
        if found.hold:
            found.hold.wait(10)
        self.close_connection = length != len(found.body) or bool(found.more)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[Stage]:
    """Serve on a port of its own until the block ends."""
    server = _Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.stage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def json_answer(body: object, status: int = 200, **headers: str) -> Answer:
    """Return a JSON answer; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(body).encode())


class Queue:
    """A source of leases that hands out, or raises, one thing after another and counts."""

    def __init__(self, *things: Lease | Exception) -> None:
        self.things = list(things)
        self.asked: list[str | None] = []

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return or raise the next thing; the last one again and again."""
        self.asked.append(refused)
        thing = self.things.pop(0) if len(self.things) > 1 else self.things[0]
        if isinstance(thing, Exception):
            raise thing
        return thing


class Travelling:
    """A source that can be pickled: it makes its leases where it is."""

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return the first lease, or the second if that is refused."""
        return lease(2 if refused == "STS.1" else 1)
