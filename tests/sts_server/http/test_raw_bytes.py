"""Arbitrary bytes on the real listener: no 500, no trace in the log, and the next one is served."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sts_server.http.house import House, exchange, running
from tests.sts_server.parts import ALICE_KEY

KEY = b"Authorization: Bearer " + ALICE_KEY.encode() + b"\r\n"
LINES = st.sampled_from(
    [
        *(KEY, b"Host: a\r\n", b"Host: \xff\x00\r\n", b"Host:\r\n", b"Authorization: \xff\r\n"),
        *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5, 5\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
        *(b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n"),
        *(b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Origin: \x7f\r\n", b"Origin: null\r\n"),
        *(b"X-Request-Id: \r\n", b"X-Request-Id: a\tb\r\n", b" folded: x\r\n", b"no colon\r\n"),
        *(
            b"Range: bytes=0-\r\n",
            b"a: " + b"x" * 20_000 + b"\r\n",
            b"a: b\r\n" * 120,
            b"\n",
            b"\r",
        ),
    ]
)
ESCAPES = st.sampled_from(
    ["%00", "%0d%0a", "%ff", "%c0%ae", "%2e%2e/", "%2F", "%", "%zz", "%25", "../", "//", "?", "#", "&", "=", "+"]
)  # fmt: skip
TARGETS = st.builds(
    lambda start, parts: (start + "".join(parts)).encode("utf-8", "surrogatepass"),
    st.sampled_from(
        ["/v1/credentials/uploads?prefix=", "/v1/credentials/uploads?", "/v1/credentials/", "/healthz", "/",
         "*", "", "http://a/v1/credentials/uploads", "http://[::1/", "a:443", "/sts/v1/credentials/uploads",
         "/v1/credentials/uploads?duration=", "/v1/credentials/uploads?refused=", "/v1/credentials/uploads?actions="]
    ),
    st.lists(ESCAPES | st.text(max_size=4), max_size=6),
)  # fmt: skip
METHODS = st.sampled_from(
    [b"GET", b"HEAD", b"OPTIONS", b"POST", b"CONNECT", b"TRACE", b"get", b"G\xffT", b"", b"PRI"]
)
VERSIONS = st.sampled_from(
    [b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b" HTTP/9\r\n", b"\r\n"]
)
REQUESTS = st.builds(
    lambda method, target, version, lines, body: b"".join(
        [method, b" ", target, version, *lines, b"\r\n", body]
    ),
    METHODS,
    TARGETS,
    VERSIONS,
    st.lists(LINES, max_size=5).map(lambda lines: [KEY, b"Host: a\r\n", *lines])
    | st.lists(LINES, max_size=5),
    st.sampled_from([b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"-5\r\n\r\n"]),
)


@pytest.fixture(scope="module")
def long_lived() -> Iterator[House]:
    with running('root_path = "/sts"\nallow_origins = ["https://app.example.com"]') as house:
        yield house


# The server has as long as the socket waits, which is longer than it ever needs.
@settings(
    max_examples=200,
    deadline=timedelta(seconds=15),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=REQUESTS | st.lists(REQUESTS, max_size=4).map(b"".join) | st.binary(max_size=100))
def test_arbitrary_bytes(long_lived: House, caplog: pytest.LogCaptureFixture, raw: bytes) -> None:
    said = exchange(long_lived, raw)
    assert not re.search(rb"(?m)^HTTP/1\.1 5", said), said
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    for answer in said.split(b"HTTP/1.1 ")[1:]:
        # What Continue is, is no answer yet.
        assert answer.startswith(b"100 ") or b"\r\nx-request-id: " in answer


def test_it_is_still_there_afterwards(long_lived: House) -> None:
    assert long_lived.get("/v1/credentials/uploads").status_code == 200
