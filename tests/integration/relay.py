"""A relay on this machine: asks the vending server for readers that cannot send a header."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.integration.house import KEYS


class Relay(ThreadingHTTPServer):
    """Asks for whoever asks here, with the key that a URI cannot hold.

    Args:
        target: address of the vending server.
        later: called when somebody asks for `/later`.

    Attributes:
        asked: the paths asked for.
    """

    def __init__(self, target: str, later: Callable[[], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.later = later
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []


@contextmanager
def relay_to(target: str, later: Callable[[], None] = lambda: None) -> Iterator[Relay]:
    """Run a relay until the block ends."""
    with Relay(target, later) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/later":
            self.server.later()
            self._answer(200, "text/plain", b"")
            return
        bearer = {"Authorization": f"Bearer {KEYS['alice']}"}
        answer = requests.get(self.server.target + self.path, headers=bearer, timeout=10)
        self._answer(answer.status_code, answer.headers["Content-Type"], answer.content)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
