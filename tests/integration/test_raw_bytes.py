"""Arbitrary bytes on the public port: whatever comes, no 500, no hang, and the next one is served."""

import socket
from datetime import timedelta
from urllib.parse import urlsplit

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sts_server.sandbox import Sandbox

LONG = b"A: " + b"x" * 70_000
PIECES = st.sampled_from(
    [
        *(b"GET ", b"PUT ", b"POST ", b"OPTIONS ", b"G\xffT ", b"/", b"*", b"/examplebucket/a"),
        *(
            b"?",
            b"?Action=AssumeRole",
            b"%00",
            b" HTTP/1.1",
            b" HTTP/9.9",
            b" HTTP/1.0",
            b"\r\n",
            b"\n",
        ),
        *(
            b"Host: x\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: x\r\n",
        ),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Expect: 100-continue\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        *(
            b"Connection: upgrade\r\nUpgrade: websocket\r\n",
            b"ffffffffffffffff\r\n",
            b"Range: bytes=-\r\n",
        ),
        *(
            b"Content-Type: application/x-www-form-urlencoded\r\n",
            b"\r\n\r\n",
            b"LONG: \r\n",
        ),
    ]
)
REQUESTS = st.builds(
    lambda method, target, headers, body: b"".join(
        [method, target, b" HTTP/1.1\r\n", *headers, b"\r\n", body]
    ),
    st.sampled_from([b"GET ", b"PUT ", b"POST ", b"HEAD ", b"OPTIONS "]),
    st.sampled_from([b"/", b"*", b"/examplebucket/a%ff", b"//", b"/?Action=x", b"http://h/b/k"]),
    st.lists(PIECES.filter(lambda piece: piece.count(b"\r\n") == 1 and b": " in piece), max_size=3),
    st.binary(max_size=20),
)


# The server has as long as the socket waits, which is longer than it ever needs.
@settings(
    max_examples=60,
    deadline=timedelta(seconds=10),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=REQUESTS | st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=100))
def test_arbitrary_bytes(sandbox: Sandbox, raw: bytes) -> None:
    where = urlsplit(sandbox.endpoint)
    said = b""
    with socket.create_connection((where.hostname, where.port), timeout=8) as connection:
        try:
            connection.sendall(raw.replace(b"LONG: ", LONG))
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                said += piece
        except TimeoutError:
            raise
        except OSError:
            pass  # it hung up on us, in one way or another, which is an answer
    for line in said.split(b"\r\n"):
        assert not line.startswith(b"HTTP/1.1 5"), said


def test_it_is_still_there_afterwards(sandbox: Sandbox) -> None:
    assert requests.get(sandbox.endpoint, timeout=10).status_code == 403
