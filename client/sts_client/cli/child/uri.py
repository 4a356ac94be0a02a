"""The credentials URI of a child: one address on this machine, for one reader, while it lives."""

import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sts_client.cli.formats import uri_answer
from sts_client.credentials import Lease
from sts_client.errors import StsClientError

SECONDS = 10.0
"""That a reader may take for its request; then its connection is closed."""

_HOST = "127.0.0.1"


class CredentialsUri:
    """Where the keys are to be had: nobody but this machine can ask, and only who was told where.

    It listens when it is made, and answers within `answering`. What is asked for elsewhere, by
    another method, under another host's name (which a page could give this address: DNS rebinding)
    or by a browser is refused.

    Args:
        lease: returns the lease to hand out.
        secret: a part of the address that nobody can guess.
    """

    def __init__(
        self, lease: Callable[[], Lease], *, secret: Callable[[], str] = secrets.token_urlsafe
    ) -> None:
        self._server = _Server(lease, f"/{secret()}")
        # By number: some readers take no name here, and a name can be looked up wrongly.
        self.address = f"http://{_HOST}:{self._server.server_port}{self._server.path}"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer in a thread until the block ends."""
        # Often enough that nobody waits for the end of a child that has ended.
        thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, lease: Callable[[], Lease], path: str) -> None:
        self.lease = lease
        self.path = path
        super().__init__((_HOST, 0), _Handler)

    def handle_error(self, _request: object, _address: object) -> None:
        """Say nothing on the terminal of the child: whoever broke off knows."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer."""
        status, body = self._answer()
        self._say(status, body)

    def _answer(self) -> tuple[int, dict[str, str]]:
        hosts = self.headers.get_all("Host", [])
        port = self.server.server_port
        if len(hosts) != 1 or hosts[0] not in {_HOST, f"{_HOST}:{port}"}:
            return HTTPStatus.FORBIDDEN, _refusal("not the host's name")
        if "Origin" in self.headers or "Sec-Fetch-Site" in self.headers:
            return HTTPStatus.FORBIDDEN, _refusal("not for browsers")
        # As it came: http.server tidies up its own `path`.
        target = self.requestline.split(" ")[1].encode(errors="replace")
        if not hmac.compare_digest(target, self.server.path.encode()):
            return HTTPStatus.NOT_FOUND, _refusal("nothing is here")
        try:
            return HTTPStatus.OK, uri_answer(self.server.lease())
        except StsClientError as error:
            # Its text is ours and holds no secret; the readers show it to their users.
            return HTTPStatus.SERVICE_UNAVAILABLE, _refusal(str(error))

    def send_error(
        self, code: int, _message: str | None = None, _explain: str | None = None
    ) -> None:
        """Refuse what is no request, or no GET, without repeating any of it."""
        self.close_connection = True
        self._say(code, _refusal("only GET"))

    def _say(self, status: int, answer: dict[str, str]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Say who answers, and not on what Python."""
        return "sts-client"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _refusal(why: str) -> dict[str, str]:
    return {"Code": "Refused", "Message": why}
