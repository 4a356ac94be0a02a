"""The official SDK, against servers that answer as STS does, or as nobody should."""

import asyncio
import json
import logging
import socket
import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from aliyunsdkcore.http import http_response
from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_

from sts_server.access_key import AccessKey
from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.upstream.sources import GivenKey
from tests.sts_server.parts import OWN_SECRET
from tests.sts_server.upstream.stage import (
    LEASED,
    REQUEST,
    ScriptedSource,
    Server,
    answering,
    ask,
    assume,
    error,
    sts_at,
    url,
)


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
        ask(server, GivenKey(AccessKey("STS.own", OWN_SECRET, "OwnSessionToken")))
    assert parse_qs(urlsplit(server.paths[0]).query)["SecurityToken"] == ["OwnSessionToken"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (403, error("NoPermission"), UpstreamRefused, "AliyunSTSAssumeRoleAccess"),
        (404, error("EntityNotExist.Role"), UpstreamRefused, "sts.role_arn"),
        (404, error("InvalidAccessKeyId.NotFound"), UpstreamRefused, "file or role"),
        (400, error("SignatureDoesNotMatch"), UpstreamRefused, "file or role"),
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


def test_another_name_in_the_environment_is_not_called_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK itself would prefer these to a key that it is given with a token."""
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "LTAIanother")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "another")
    with answering(200, LEASED) as server:
        ask(server, GivenKey(AccessKey("STS.own", OWN_SECRET, "OwnSessionToken")))
    assert parse_qs(urlsplit(server.paths[0]).query)["AccessKeyId"] == ["STS.own"]


def test_a_renewed_key_is_used_over_the_same_connection() -> None:
    first, second = (AccessKey(f"STS.{number}", OWN_SECRET, f"token-{number}") for number in (1, 2))
    source = ScriptedSource([first, second])

    async def story(server: Server) -> None:
        async with sts_at(url(server), source) as sts:
            for _ in range(3):
                await sts.assume_role(REQUEST)

    with answering(200, LEASED) as server:
        asyncio.run(story(server))
    asked = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert [(it["AccessKeyId"], it["SecurityToken"]) for it in asked] == [
        (["STS.1"], ["token-1"]),
        (["STS.2"], ["token-2"]),
        (["STS.2"], ["token-2"]),
    ]
    assert len(server.peers) == 1


def test_a_key_that_is_over_is_replaced_and_nobody_notices() -> None:
    source = ScriptedSource([AccessKey("STS.old", OWN_SECRET, "over"), AccessKey("LTAInew", "x")])
    over = (400, error("InvalidSecurityToken.Expired"))
    with answering(200, LEASED, first=[over]) as server:
        assert ask(server, source).access_key_id == "STS.NTexample"
    asked = [parse_qs(urlsplit(path).query) for path in server.paths]
    assert [it["AccessKeyId"] for it in asked] == [["STS.old"], ["LTAInew"]]
    assert "SecurityToken" not in asked[1]


@pytest.mark.parametrize(
    ("code", "calls", "forgotten"),
    [
        ("InvalidSecurityToken.Expired", 2, 1),
        ("InvalidAccessKeyId.NotFound", 2, 1),
        ("NoPermission", 1, 0),
    ],
)
def test_but_no_key_after_the_other(code: str, calls: int, forgotten: int) -> None:
    source = ScriptedSource([AccessKey(f"LTAI{number}", "x") for number in range(9)])
    with answering(400, error(code)) as server, pytest.raises(UpstreamRefused):
        ask(server, source)
    assert (len(server.paths), source.forgotten) == (calls, forgotten)
