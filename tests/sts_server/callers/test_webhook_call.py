"""One call to a webhook, over real sockets: what is sent, and what an answer may not do to us."""

import asyncio
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from sts_server.callers.webhook_answer import Accepted, Refused, Unusable, Verdict
from sts_server.callers.webhook_call import LARGEST_ANSWER, AskWebhook, calling
from sts_server.errors import ConfigError
from sts_server.settings.webhook import WebhookTable

TOKEN = "a+token/with=odd&signs%41?of-alice"
ALICE = {"user": "alice", "maxValiditySeconds": 3600, "claims": {"team": "red"}}


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def as_json(what: object) -> bytes:
    return http(json.dumps(what).encode(), b"Content-Type: application/json")


_USUAL = as_json(ALICE)


@dataclass
class Service:
    """A login service on a socket that answers whatever a test wants it to."""

    answer: bytes | Callable[[socket.socket], None] = _USUAL
    seen: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.tls.wrap_socket(peer, server_side=True) if self.tls else peer as peer:
                    self._serve(peer)
            except OSError:  # it had enough of us: that is what some tests are about
                peer.close()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(10)
        request = b""
        while b"\r\n\r\n" not in request:
            request += peer.recv(65536)
        head, body = request.split(b"\r\n\r\n", 1)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        while len(body) < length:
            body += peer.recv(65536)
        self.seen.append(head + b"\r\n\r\n" + body)
        if callable(self.answer):
            self.answer(peer)
        else:
            peer.sendall(self.answer)


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


def table(service: Service, scheme: str = "http", **settings: Any) -> WebhookTable:
    usual: dict[str, Any] = {"url": f"{scheme}://{service.address}/token", "claims": ("team",)}
    return WebhookTable.model_validate({**usual, **settings})


def ask(told: WebhookTable, *bearers: str) -> Verdict:
    return asyncio.run(_tell(calling(told, (lambda: bearers) if bearers else None)))


def test_a_form_holds_the_token_and_the_address_does_not(service: Service) -> None:
    assert ask(table(service)) == Accepted("alice", 3600, frozenset(), {"team": "red"})
    head, body = service.seen[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert parse_qs(body.decode()) == {"token": [TOKEN]}
    lines = [line.lower() for line in head.split(b"\r\n")]
    assert b"content-type: application/x-www-form-urlencoded" in lines
    assert not any(line.startswith(b"authorization") for line in lines)


def test_minios_way_is_the_query(service: Service) -> None:
    assert isinstance(ask(table(service, send_as="query")), Accepted)
    line = service.seen[0].split(b"\r\n")[0].decode().split(" ")
    assert (line[0], urlsplit(line[1]).path) == ("POST", "/token")
    assert parse_qs(urlsplit(line[1]).query) == {"token": [TOKEN]}
    assert service.seen[0].endswith(b"\r\n\r\n")


def test_the_service_is_shown_the_first_bearer(service: Service) -> None:
    ask(table(service), "ours", "older")
    assert b"\r\nAuthorization: Bearer ours\r\n" in service.seen[0]
    assert b"older" not in service.seen[0]


def test_without_its_bearer_the_service_is_not_asked(service: Service) -> None:
    verdict = asyncio.run(_tell(calling(table(service), tuple)))
    assert isinstance(verdict, Unusable)
    assert "auth_file" in verdict.why
    assert service.seen == []


async def _tell(asking: AskWebhook) -> Verdict:
    return await asking(TOKEN)


def test_a_refusal_comes_with_its_reason(service: Service) -> None:
    service.answer = http(b'{"reason": "signed out"}', status=b"403 Forbidden")
    assert ask(table(service)) == Refused("signed out")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http(b"", b"Location: /token", status=b"302 Found"), "HTTP status 302"),
        (http(b"", b"Location: http://127.0.0.1:1/", status=b"307 Temporary Redirect"), "HTTP status 307"),
        (http(b"", status=b"500 Oh"), "HTTP status 500"),
        (http(b"nope"), "not JSON"),
        (http(b"x" * (LARGEST_ANSWER + 1)), "more than 65536 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b" " * 0x4000 + b"\r\n", "no answer"),
        (http(b"\x1f\x8b\x08", b"Content-Encoding: gzip"), "not JSON"),
        (as_json(ALICE)[:-5], "no answer: RemoteProtocolError"),
        (b"", "no answer: RemoteProtocolError"),
        (b"SSH-2.0-OpenSSH\r\n", "no answer: RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000, "no answer: RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n", "no answer: RemoteProtocolError"),
        (b"HTTP/1.1 999 \xff\r\nContent-Length: 0\r\n\r\n", "HTTP status 999"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "no answer: RemoteProtocolError"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, "no answer: RemoteProtocolError"),
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(service: Service, answer: bytes, why: str) -> None:
    service.answer = answer
    verdict = ask(table(service))
    assert isinstance(verdict, Unusable)
    assert why in verdict.why
    assert len(service.seen) == 1  # neither repeated nor taken elsewhere


@pytest.mark.parametrize(
    "parts", [[b""], [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b" " * 99]]
)
def test_the_time_is_that_of_the_whole_call(service: Service, parts: list[bytes]) -> None:
    over = threading.Event()

    def drip(peer: socket.socket) -> None:
        for byte in b"".join(parts):
            peer.sendall(bytes([byte]))
            over.wait(0.05)
        over.wait(5)

    service.answer = drip
    begun = time.monotonic()
    assert ask(table(service, timeout=0.3)) == Unusable("no answer in 0.3 s")
    assert time.monotonic() - begun < 3
    over.set()


def test_a_service_that_is_not_there_is_no_answer(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert ask(table(service, url=url)) == Unusable("no answer: ConnectError")


def test_no_proxy_of_the_environment_sees_a_token(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(ask(table(service)), Accepted)


@pytest.mark.parametrize("send_as", ["form", "query"])
def test_no_token_is_logged(
    service: Service, send_as: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(table(service, send_as=send_as), "ours")
        service.answer = b""
        ask(table(service, send_as=send_as), "ours")
    assert "of-alice" not in caplog.text
    assert "ours" not in caplog.text


def test_tls_is_checked_against_the_authority_that_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    service = Service(tls=context)
    try:
        assert ask(table(service, "https")) == Unusable("no answer: ConnectError")
        assert service.seen == []
        trusted = table(service, "https", ca_file=str(tmp_path / "ca.pem"))
        assert isinstance(ask(trusted), Accepted)
    finally:
        service.close()


def test_an_authority_that_cannot_be_read_is_found_at_the_start(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name, why in (("none.pem", "No such file"), ("empty.pem", "it holds no certificate")):
        with pytest.raises(
            ConfigError, match=rf"^callers\.webhook\.ca_file: .*/{name}: cannot be used: {why}"
        ):
            calling(table(service, ca_file=str(tmp_path / name)))
