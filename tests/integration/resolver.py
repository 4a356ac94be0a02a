"""A resolver rule for SDKs that cannot be told one: an HTTPS proxy that leads every host to one port.

A client that is told of it by `HTTPS_PROXY` asks it for a tunnel to `sts.aliyuncs.com:443`, and speaks
TLS with whoever is at its end: the name it knows, the certificate and the Host header stay as they are.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer

CONNECT = re.compile(rb"CONNECT ([a-z0-9.-]+:\d+) HTTP/1\.[01]\r\n", re.ASCII)
BATCH_BYTES = 64 * 1024


class Resolver(ThreadingTCPServer):
    """A proxy on loopback that knows `CONNECT` and one place to go to.

    Args:
        port: The port on 127.0.0.1 that every host leads to.

    Attributes:
        url: Its own address, for `HTTPS_PROXY`.
        asked: Every `host:port` that it was asked for, in order.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.port = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[str] = []


@contextmanager
def resolving(port: int) -> Iterator[Resolver]:
    """Run a resolver until the block ends."""
    with Resolver(port) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()


class _Tunnel(StreamRequestHandler):
    server: Resolver

    def handle(self) -> None:
        found = CONNECT.fullmatch(self.rfile.readline(BATCH_BYTES))
        while self.rfile.readline(BATCH_BYTES) not in (b"\r\n", b""):
            pass
        if found is None:
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        self.server.asked.append(found[1].decode())
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as there:
            there.settimeout(None)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pour, args=(there, self.connection))
            back.start()
            _pour(self.connection, there)
            back.join()


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Hand bytes on until there are no more; then say so."""
    try:
        while piece := source.recv(BATCH_BYTES):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of the two has gone
        return
