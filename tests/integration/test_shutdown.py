"""The end of a server, as an operator and its callers see it: nothing that was asked is lost."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server, vending_server

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Sandbox, Server]]:
    """A server in front of an STS that takes its time."""
    with Sandbox() as sandbox, vending_server(sandbox, tmp_path) as server:
        yield sandbox, server


def connect(server: Server) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname, where.port), timeout=30)


def ask(caller: str, number: int) -> bytes:
    """Ask for a lease that nobody has asked for."""
    path = f"/v1/credentials/uploads?prefix=users/{caller}/{number}/"
    return (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEYS[caller]}\r\n\r\n".encode()
    )


def answered(connection: socket.socket, until: bytes = b"}") -> bytes:
    answer = b""
    while not answer.endswith(until):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(answer)
        answer += part
    return answer


def test_no_ask_under_way_is_lost(slow: tuple[Sandbox, Server]) -> None:
    sandbox, server = slow
    sandbox.fault(service="sts", latency=0.8)
    with ExitStack() as opened:
        asking = [opened.enter_context(connect(server)) for _ in range(20)]
        idle = [opened.enter_context(connect(server)) for _ in range(5)]
        for connection in (*asking, *idle):
            connection.sendall(ALIVE)
            assert answered(connection).startswith(b"HTTP/1.1 200 ")
        for number, connection in enumerate(asking):
            connection.sendall(ask("alice" if number % 2 else "bob", number))
        time.sleep(0.3)  # all of them are under way, and most wait for their turn at STS
        server.process.send_signal(signal.SIGTERM)
        for connection in idle:
            assert connection.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(server)
        for connection in asking:
            answer = answered(connection, b"}}")
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nconnection: close\r\n" in answer
            assert connection.recv(1) == b""
    assert server.process.wait(timeout=30) == 0
    assert [line["outcome"] for line in server.audit()] == ["vended"] * 20


def test_kept_connections_in_full_use_lose_nothing(slow: tuple[Sandbox, Server]) -> None:
    _, server = slow
    lost: list[bytes] = []
    counts: list[int] = []

    def keep_asking() -> None:
        count = 0
        with connect(server) as connection:
            while True:
                connection.sendall(ALIVE)
                try:
                    answer = answered(connection)
                except OSError as error:
                    lost.append(str(error).encode())
                    break
                count += 1
                if b"\r\nconnection: close\r\n" in answer:
                    break
        counts.append(count)

    threads = [threading.Thread(target=keep_asking) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert server.process.wait(timeout=30) == 0
    assert lost == []
    assert sum(counts) > 8


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(slow: tuple[Sandbox, Server], second: signal.Signals) -> None:
    sandbox, server = slow
    sandbox.fault(service="sts", latency=9)
    with connect(server) as connection:
        connection.sendall(ask("alice", 1))
        time.sleep(0.5)  # STS has it
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(timeout=1)
        begun = time.perf_counter()
        server.process.send_signal(second)
        assert server.process.wait(timeout=30) == 130
        assert time.perf_counter() - begun < 2
    assert "Traceback" not in server.log()
