"""The credentials URI: one address, for readers and not for browsers, on this machine alone."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from sts_client.cli.child import CredentialsUri
from sts_client.credentials import Lease
from sts_client.errors import ServerUnavailable
from tests.sts_client.stage import LEASE, SECRET, TOKEN


@pytest.fixture
def uri() -> Iterator[CredentialsUri]:
    running = CredentialsUri(lambda: LEASE)
    with running.answering():
        yield running


def say(uri: CredentialsUri, request: str) -> tuple[int, bytes]:
    """Send bytes as they are; give the status and all of the answer."""
    parts = urlsplit(uri.address)
    with socket.create_connection((parts.hostname, parts.port), 5) as connection:
        text = request.format(path=parts.path, host=parts.hostname, port=parts.port)
        connection.sendall(text.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP") else 400, answer


def test_it_is_there_by_number_and_cannot_be_guessed(uri: CredentialsUri) -> None:
    assert uri.address.startswith("http://127.0.0.1:")
    other = CredentialsUri(lambda: LEASE)
    other.close()
    paths = {urlsplit(each.address).path for each in (uri, other)}
    assert len(paths) == 2
    assert all(len(path) >= 43 for path in paths)


@pytest.mark.parametrize("host", ["{host}", "{host}:{port}"])
def test_it_answers_with_a_lease(uri: CredentialsUri, host: str) -> None:
    status, answer = say(uri, "GET {path} HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert status == 200
    assert b"Cache-Control: no-store" in head
    assert b"Python" not in head
    assert json.loads(body)["SecurityToken"] == TOKEN
    assert json.loads(body)["Expiration"] == "2025-12-01T09:30:00Z"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET {path} HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}:1\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.example\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: null\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}:{port}\r\n\r\n", 403),
        ("GET {path} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("GET {path}x HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("GET {path}?a=b HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("GET http://{host}:{port}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("GET /ä HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        ("HEAD {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", 501),
        ("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n", 501),
        ("OPTIONS {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", 501),
        ("GET\r\n\r\n", 400),
    ],
)
def test_whom_it_refuses(uri: CredentialsUri, request_: str, status: int) -> None:
    found, answer = say(uri, request_)
    assert found == status
    assert SECRET.encode() not in answer
    assert TOKEN.encode() not in answer
    assert urlsplit(uri.address).path.encode() not in answer


def test_why_there_is_no_lease() -> None:
    def away() -> Lease:
        raise ServerUnavailable("the vending server is away", status=503)

    uri = CredentialsUri(away)
    with uri.answering():
        status, answer = say(uri, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert status == 503
    assert b"the vending server is away" in answer


def test_it_listens_nowhere_else(uri: CredentialsUri) -> None:
    port = urlsplit(uri.address).port
    for other in ("127.0.0.2", "::1"):
        with pytest.raises(OSError, match=r"."):
            socket.create_connection((other, port), 1)


def test_it_ends_with_the_block() -> None:
    uri = CredentialsUri(lambda: LEASE)
    with uri.answering():
        pass
    with pytest.raises(OSError, match=r"."):
        say(uri, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
