"""Upstream: the official SDK against servers that answer as STS does, or as nobody should."""

import asyncio
import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from aliyunsdkcore.http import http_response
from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_

from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.lease import Lease, RoleRequest
from sts_server.upstream import Sts
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
    """Answers every POST with what its server holds, and keeps the paths that were asked."""

    server: "_Server"

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.gate.wait()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status, self.body = status, body
        self.paths: list[str] = []
        self.gate = threading.Event()
        self.gate.set()


@contextmanager
def answering(status: int, body: object, tls: ssl.SSLContext | None = None) -> Iterator[_Server]:
    server = _Server(status, body if isinstance(body, bytes) else json.dumps(body).encode())
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


def sts_at(endpoint: str, **parts: Any) -> Sts:
    return Sts(
        key_id="LTAIexample",
        key_secret=OWN_SECRET,
        security_token=parts.pop("security_token", None),
        region="cn-hangzhou",
        endpoint=endpoint,
        clock=SetClock(),
        **parts,
    )


def assume(endpoint: str, **parts: Any) -> Lease:
    async def story() -> Lease:
        async with sts_at(endpoint, **parts) as sts:
            return await sts.assume_role(REQUEST)

    return asyncio.run(story())


def ask(server: _Server, **parts: Any) -> Lease:
    return assume(f"http://127.0.0.1:{server.server_port}", **parts)


def test_a_lease_is_what_sts_said() -> None:
    with answering(200, LEASED) as server:
        lease = ask(server)
    assert (lease.access_key_id, lease.access_key_secret) == ("STS.NTexample", "VendedSecret")
    assert (lease.security_token, lease.sts_request_id) == ("VendedToken+/=", LEASED["RequestId"])
    assert lease.expiry - lease.issued == 900
    (path,) = server.paths
    sent = parse_qs(urlsplit(path).query)
    assert {
        name: sent[name] for name in ("Action", "RoleSessionName", "DurationSeconds", "ExternalId")
    } == {
        "Action": ["AssumeRole"],
        "RoleSessionName": ["alice-1"],
        "DurationSeconds": ["900"],
        "ExternalId": ["ext-id"],
    }
    assert sent["Policy"] == ['{"Version":"1"}']


def test_a_temporary_key_of_our_own_sends_its_token() -> None:
    with answering(200, LEASED) as server:
        ask(server, security_token="OwnSessionToken")
    assert parse_qs(urlsplit(server.paths[0]).query)["SecurityToken"] == ["OwnSessionToken"]


def error(code: str) -> dict[str, str]:
    return {"RequestId": "R", "HostId": "sts", "Code": code, "Message": "LeakyMessage: x"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (403, error("NoPermission"), UpstreamRefused, "AliyunSTSAssumeRoleAccess"),
        (404, error("EntityNotExist.Role"), UpstreamRefused, "sts.role_arn"),
        (404, error("InvalidAccessKeyId.NotFound"), UpstreamRefused, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (400, error("SignatureDoesNotMatch"), UpstreamRefused, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        (400, error("InvalidTimeStamp.Expired"), UpstreamRefused, "clock"),
        (400, error("InvalidParameter.DurationSeconds"), UpstreamRefused, "MaxSessionDuration"),
        (400, error("InvalidParameter.PolicySize"), UpstreamRefused, "session policy"),
        (400, error("Brand.New"), UpstreamRefused, "Brand.New: look up"),
        (400, error("evil\ncode"), UpstreamRefused, "unknown"),
        (400, error("Throttling.User"), UpstreamThrottled, "Throttling.User"),
        (503, error("Throttling"), UpstreamThrottled, "Throttling"),
        (500, error("InternalError"), UpstreamUnavailable, "InternalError"),
        (503, error("ServiceUnavailable"), UpstreamUnavailable, "503"),
        (400, {"Code": "SignatureDoesNotMatch", "Message": "no colon"}, UpstreamUnavailable, "IndexError"),
        (502, b"<html>Bad Gateway</html>", UpstreamUnavailable, "502"),
        (500, b"\xff\xfe", UpstreamUnavailable, "UnicodeDecodeError"),
        (200, b"not json", UpstreamUnavailable, "without the keys"),
        (200, b"[]", UpstreamUnavailable, "without the keys"),
        (200, {}, UpstreamUnavailable, "without the keys"),
        (200, {**LEASED, "Credentials": {}}, UpstreamUnavailable, "without the keys"),
        (200, {**LEASED, "Credentials": {**LEASED["Credentials"], "Expiration": "soon"}}, UpstreamUnavailable, "without"),
        (200, {**LEASED, "Credentials": {**LEASED["Credentials"], "Expiration": "2025-12-01T08:30:00Z"}}, UpstreamRefused, "clock"),
    ],
)  # fmt: skip
def test_each_failure_has_its_kind_and_says_what_to_do(
    status: int, body: object, kind: type[UpstreamFailure], hint: str
) -> None:
    with answering(status, body) as server, pytest.raises(kind) as failure:
        ask(server)
    assert hint in failure.value.hint
    assert "Leaky" not in failure.value.hint + failure.value.detail
    assert failure.value.__cause__ is None


def test_a_dead_sts_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UpstreamUnavailable) as failure:
        assume(f"http://127.0.0.1:{port}")
    assert failure.value.retry_after
    assert failure.value.hint == f"http://127.0.0.1:{port}: nobody listens there"


@pytest.mark.parametrize(
    "body",
    [
        b'{"Credentials": {"AccessKeySecret": "VendedSecret", "SecurityToken": "VendedTok',
        json.dumps({"Credentials": {"AccessKeySecret": "VendedSecret"}}).encode(),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_cannot_be_read_is_not_logged(
    status: int, body: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(status, body) as server, pytest.raises(UpstreamUnavailable) as failure:
        ask(server)
    shown = caplog.text + "".join(capfd.readouterr()) + repr(failure.value) + failure.value.hint
    assert "Vended" not in shown
    assert OWN_SECRET not in shown


def test_the_sdks_debug_switch_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    with answering(200, LEASED) as server:
        ask(server)
    assert http_response.logger.handlers == []
    assert "LTAIexample" not in "".join(capfd.readouterr())


def test_a_proxy_from_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(200, LEASED) as server:
        assert ask(server).access_key_id == "STS.NTexample"


def test_no_more_calls_are_under_way_than_configured() -> None:
    async def story(server: _Server) -> None:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        server.gate.clear()
        async with sts_at(endpoint, max_calls=2) as sts:
            calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(6)]
            while len(server.paths) < 2:
                await asyncio.wait(calls, timeout=0.01)
            # Two are being answered; a third would arrive at once if it were under way.
            await asyncio.wait(calls, timeout=0.2)
            assert len(server.paths) == 2
            server.gate.set()
            await asyncio.gather(*calls)
            assert len(server.paths) == 6

    with answering(200, LEASED) as server:
        asyncio.run(story(server))


def test_tls_says_which_server_it_wants(tmp_path: Path) -> None:
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    asked_for: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    ssl_.HAS_SNI = False  # as the SDK finds it on Python 3.12 and newer
    with answering(200, LEASED, tls) as server:
        endpoint = f"https://localhost:{server.server_port}"
        assert assume(endpoint, ca_bundle=str(bundle)).access_key_id == "STS.NTexample"
        assert asked_for == ["localhost"]
        with pytest.raises(UpstreamUnavailable, match="STS cannot be reached") as failure:
            assume(endpoint)  # an authority that nobody trusts
        assert "certificate" in failure.value.hint


@pytest.mark.parametrize(
    ("endpoint", "ca_bundle", "hint"),
    [
        ("https://sts.invalid", None, "no host of this name"),
        ("https://127.0.0.1:9", "/nowhere/ca.pem", "trusted certificates cannot be read"),
    ],
)
def test_what_never_reached_sts_is_told_apart(
    endpoint: str, ca_bundle: str | None, hint: str
) -> None:
    with pytest.raises(UpstreamUnavailable) as failure:
        assume(endpoint, ca_bundle=ca_bundle)
    assert hint in failure.value.hint
    assert endpoint in failure.value.hint
