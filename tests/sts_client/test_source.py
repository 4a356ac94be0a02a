"""One GET to a vending server: what is sent, what is believed, what is said when it fails."""

import itertools
import json
import pickle
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from sts_client import LeaseSource, StsClientError, VendingServer, Wish, connect, errors
from sts_client.source import Fallbacks, Token, TokenFile, TokenVariable
from sts_client.source.answer import lease_of
from sts_client.source.origin import secure_origin
from sts_client.source.refusal import refusal_of
from tests.sts_client.aio.blocking import BlockingServer, only_threads
from tests.sts_client.stage import (
    BEARER,
    NOW,
    SECRET,
    SECRETS,
    TOKEN,
    Answer,
    Asked,
    Queue,
    json_answer,
    lease,
    lease_body,
    serving,
)

SHELL = ContextVar("SHELL", default="threads")
CASELESS = requests.structures.CaseInsensitiveDict[str]


@pytest.fixture(scope="module", params=["threads", "asyncio"], autouse=True)
def shell(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who asks: all that is promised here, both do."""
    chosen = SHELL.set(request.param)
    yield request.param
    SHELL.reset(chosen)


def server(url: str, wish: Wish, **parts: Any) -> LeaseSource:
    kind: Any = BlockingServer if SHELL.get() == "asyncio" else VendingServer
    made: LeaseSource = kind(url, wish, **parts)
    return made


def source(url: str, *, token: Token = BEARER, **wish: Any) -> LeaseSource:
    return server(url, Wish("uploads", **wish), token=token, clock=lambda: NOW)


def encoded(**changes: Any) -> bytes:
    return json.dumps(lease_body(**changes)).encode()


def test_a_lease() -> None:
    with serving(lambda _: json_answer(lease_body())) as stage:
        lease = source(stage.url).fetch()
    assert lease.credentials.access_key_id == "STS.1"
    assert lease.credentials.access_key_secret == SECRET
    assert lease.credentials.security_token == TOKEN
    assert (lease.bucket, lease.region, lease.style) == ("examplebucket", "cn-hangzhou", "virtual")
    assert lease.endpoint == "https://oss-cn-hangzhou.aliyuncs.com"
    assert (lease.prefix, lease.actions) == ("users/alice/", ("get", "put", "list"))
    assert (lease.issued, lease.refresh_after, lease.expiry) == (NOW, NOW + 1800, NOW + 3600)
    assert lease.offset == 1.5
    assert lease.request_id == "0123-abc"
    asked = stage.asked[0]
    assert (asked.method, asked.target) == ("GET", "/v1/credentials/uploads")
    assert asked.headers["Authorization"] == f"Bearer {BEARER}"


def test_the_offset_is_measured_halfway() -> None:
    times = iter([NOW, NOW + 4])
    with serving(lambda _: json_answer(lease_body())) as stage:
        ours = server(stage.url, Wish("g"), token=BEARER, clock=lambda: next(times))
        assert ours.fetch().offset == -0.5


def test_connect_passes_the_wish_on() -> None:
    with serving(lambda _: json_answer(lease_body(), 403)) as stage:
        bucket = connect(
            stage.url, grant="g", token=BEARER, prefix="a/", actions=["get"], duration=900
        )
        with pytest.raises(errors.GrantDenied):
            bucket.get("k")
    assert stage.asked[0].target == "/v1/credentials/g?prefix=a%2F&actions=get&duration=900"


def test_a_wish_a_refused_key_and_a_server_under_a_path() -> None:
    with serving(lambda _: json_answer(lease_body())) as stage:
        ours = source(stage.url + "/vend/", prefix="a b/", actions=("get", "put"), duration=900)
        ours.fetch(refused="STS.0")
    assert stage.asked[0].target == (
        "/vend/v1/credentials/uploads?prefix=a+b%2F&actions=get%2Cput&duration=900&refused=STS.0"
    )


def test_a_grant_is_one_segment_of_the_path() -> None:
    with serving(lambda _: json_answer(lease_body())) as stage:
        server(stage.url, Wish("../x?y"), token=BEARER).fetch()
    assert stage.asked[0].target == "/v1/credentials/..%2Fx%3Fy"


def test_a_token_function_is_asked_for_each_lease() -> None:
    tokens = iter(["one", "two"])
    with serving(lambda _: json_answer(lease_body())) as stage:
        ours = source(stage.url, token=lambda: next(tokens))
        ours.fetch()
        ours.fetch()
    sent = [asked.headers["Authorization"] for asked in stage.asked]
    assert sent == ["Bearer one", "Bearer two"]


def test_a_token_function_that_fails() -> None:
    def broken() -> str:
        raise LookupError("no session")

    with pytest.raises(errors.TokenUnavailable, match="raised LookupError") as caught:
        source("https://example.com", token=broken).fetch()
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä", 7])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(errors.UsageError, match="bearer token") as caught:
        source("https://example.com", token=lambda: token).fetch()
    assert "X: y" not in str(caught.value)


def test_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(lambda _: json_answer(lease_body())) as stage:
        source(stage.url).fetch()
        # The trap is real: this is what a plain header would have met.
        requests.get(stage.url, headers={"Authorization": "Bearer plain"}, timeout=5)
    assert stage.asked[0].headers["Authorization"] == f"Bearer {BEARER}"
    assert stage.asked[1].headers["Authorization"].startswith("Basic ")


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(lambda _: json_answer(lease_body())) as thief,
        serving(lambda _: Answer(307, {"Location": thief.url})) as stage,
        pytest.raises(errors.VendingError, match="redirect, which is not followed"),
    ):
        source(stage.url).fetch()
    assert thief.asked == []


def test_a_redirect_is_not_read_beyond_what_a_lease_has() -> None:
    gone = threading.Event()

    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65_536
        gone.set()

    with (
        serving(lambda _: Answer(302, {"Location": "/"}, more=endless())) as stage,
        pytest.raises(errors.VendingError, match="redirect, which is not followed"),
    ):
        source(stage.url).fetch()
    assert not gone.is_set()


@pytest.mark.parametrize("location", ["http://[", "\xff\xfe", "//[x]/", "\x80"])
def test_a_redirect_to_nowhere(location: str) -> None:
    with (
        serving(lambda _: Answer(302, {"Location": location})) as stage,
        pytest.raises(errors.VendingError, match="redirect, which is not followed"),
    ):
        source(stage.url).fetch()


def test_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving(lambda _: json_answer(lease_body())) as proxy,
        serving(lambda _: json_answer(lease_body())) as stage,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        source(stage.url).fetch()
        elsewhere = server("http://sts.example.com", Wish("g"), token=BEARER, allow_http=True)
        elsewhere.fetch()
    assert len(stage.asked) == 1
    assert [asked.target for asked in proxy.asked] == ["http://sts.example.com/v1/credentials/g"]


@pytest.mark.parametrize(
    "address",
    [
        "http://sts.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "ftp://sts.example.com",
        "sts.example.com",
        "https://",
        "https://user:password@sts.example.com",
        "https://sts.example.com?x=1",
        "https://sts.example.com#x",
        "https://sts.example.com:99999",
        "https://[::1",
        "https://a b",
        "https://a\\@b",
        "",
    ],
)
def test_addresses_that_may_not_see_a_token(address: str) -> None:
    with pytest.raises(errors.UsageError, match="the vending server's address") as caught:
        source(address)
    assert caught.value.__context__ is None
    assert "password" not in str(caught.value).replace("user name or password", "")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:80", "http://LocalHost"]
)
def test_http_to_this_machine(address: str) -> None:
    secure_origin(address, what="it")


def test_http_elsewhere_when_asked_for() -> None:
    server("http://sts.example.com", Wish("g"), token=BEARER, allow_http=True)


def test_a_wish_without_a_grant() -> None:
    with pytest.raises(errors.UsageError, match="grant"):
        Wish("")
    with pytest.raises(errors.UsageError, match="not one text"):
        Wish("g", actions="get")


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a-.example"])
def test_hosts_that_cannot_be(host: str) -> None:
    with pytest.raises(errors.NetworkError):
        source(f"https://{host}").fetch()


def test_a_ca_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(errors.TlsFailed, match="REQUESTS_CA_BUNDLE"):
        source("https://127.0.0.1:9").fetch()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AccessKeyId": None}, "AccessKeyId is missing"),
        ({"AccessKeyId": "a/b"}, "AccessKeyId"),
        ({"AccessKeySecret": 5}, "AccessKeySecret"),
        ({"SecurityToken": "a\r\nb"}, "SecurityToken"),
        ({"SecurityToken": ""}, "SecurityToken"),
        ({"Expiration": "2025-12-01T09:30:00+00:00"}, "Expiration"),
        ({"Expiration": "2025-13-01T09:30:00Z"}, "Expiration"),
        ({"Expiration": 1764577800}, "Expiration"),
        ({"Expiration": "2025-12-01T08:30:00Z"}, "ends before it begins"),
        ({"LastUpdated": None}, "LastUpdated is missing"),
        ({"Lease": None}, "Lease is missing"),
        ({"Lease": []}, "Lease is not"),
        ({"Bucket": "Evil.example.com/"}, "Lease.Bucket"),
        ({"Region": "cn/hangzhou"}, "Lease.Region"),
        ({"Endpoint": "http://oss-cn-hangzhou.aliyuncs.com"}, "Endpoint is http://"),
        ({"Endpoint": "https://a@b"}, "Endpoint"),
        ({"Style": "fancy"}, "Lease.Style"),
        ({"Prefix": 5}, "Lease.Prefix"),
        ({"Actions": "get"}, "Lease.Actions"),
        ({"Actions": ["get", 5]}, "Lease.Actions"),
        ({"RefreshAfter": "soon"}, "Lease.RefreshAfter"),
        ({"ServerTime": None}, "Lease.ServerTime is missing"),
        ({"RequestId": "a b"}, "Lease.RequestId"),
    ],
)
def test_answers_that_are_no_lease(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(errors.BadLease, match=named) as caught:
        lease_of(encoded(**changes), midpoint=NOW)
    text = "".join(traceback.format_exception(caught.value))
    assert not any(secret in text for secret in SECRETS)
    assert "Evil" not in text


def test_what_a_lease_may_leave_out() -> None:
    lease = lease_of(encoded(RefreshAfter=None, RequestId=None), midpoint=NOW)
    assert lease.refresh_after is None
    assert lease.request_id == ""


@given(
    st.binary(max_size=50) | st.sampled_from([b"[]", b"null", b'"a"', b"{}", b"5", b"[" * 60_000])
)
def test_any_other_body_is_a_bad_lease(body: bytes) -> None:
    with pytest.raises(errors.BadLease) as caught:
        lease_of(body, midpoint=NOW)
    assert caught.value.__context__ is None


def test_a_body_without_end_is_cut() -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        for number in range(2000):
            sent.append(number)
            yield b" " * 65_536

    with (
        serving(lambda _: Answer(more=endless())) as stage,
        pytest.raises(errors.BadLease, match="more than any lease has"),
    ):
        source(stage.url).fetch()
    assert len(sent) < 1000


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidArgument", errors.VendingError),
        (401, "Unauthenticated", errors.Unauthenticated),
        (403, "GrantDenied", errors.GrantDenied),
        (403, "CallerNotAllowed", errors.CallerNotAllowed),
        (429, "TooManyRequests", errors.TooManyRequests),
        (502, "UpstreamRefused", errors.UpstreamRefused),
        (503, "UpstreamThrottled", errors.ServerUnavailable),
        (503, "UpstreamUnavailable", errors.ServerUnavailable),
        (401, "", errors.Unauthenticated),
        (403, "", errors.GrantDenied),
        (429, "", errors.TooManyRequests),
        (500, "", errors.ServerUnavailable),
        (504, "SomethingNew", errors.ServerUnavailable),
        (404, "", errors.VendingError),
        (418, "SomethingNew", errors.VendingError),
    ],
)
def test_refusals(status: int, code: str, kind: type[errors.VendingError]) -> None:
    problem = {
        "type": "about:blank",
        "title": f"leaks {SECRET}",
        "status": status,
        "detail": f"leaks {TOKEN}",
        "Code": code,
        "Message": f"leaks {SECRET}",
        "RequestId": "0123-abc",
    }
    with (
        serving(lambda _: json_answer(problem, status, Retry_After="7")) as stage,
        pytest.raises(kind) as caught,
    ):
        source(stage.url).fetch()
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.retry_after) == (status, code, 7.0)
    assert error.request_id == "0123-abc"
    assert str(error).startswith(stage.url)
    assert "leaks" not in "".join(traceback.format_exception(error))


@given(
    st.integers(300, 599),
    st.binary(max_size=30) | st.sampled_from([b"{}", b"[]", b'{"Code": 5}', b'{"Code": "a b"}']),
    st.text(max_size=5),
)
def test_any_other_refusal(status: int, body: bytes, retry_after: str) -> None:
    error = refusal_of(status, CASELESS({"Retry-After": retry_after}), body, "it")
    assert error.code == ""
    assert error.status == status


def test_nobody_there() -> None:
    with serving(lambda _: Answer()) as stage:
        pass
    with pytest.raises(errors.ConnectFailed) as caught:
        source(stage.url).fetch()
    text = "".join(traceback.format_exception(caught.value))
    assert "requests" not in text.replace("Too many requests", "")
    assert BEARER not in text
    assert caught.value.__context__ is None


def test_a_slow_server() -> None:
    def sleepy(_: Asked) -> Answer:
        done.wait(10)
        return Answer()

    done = threading.Event()
    with serving(sleepy) as stage:
        ours = server(stage.url, Wish("g"), token=BEARER, timeout=(1.0, 0.05))
        with pytest.raises(errors.TimedOut):
            ours.fetch()
        done.set()


def test_a_body_that_drips(shell: str) -> None:
    only_threads(shell)
    with serving(lambda _: Answer(more=(b" " for _ in range(50_000)))) as stage:
        ticks = itertools.count()
        ours = server(
            stage.url, Wish("g"), token=BEARER, patience=3.0, stopwatch=lambda: float(next(ticks))
        )
        with pytest.raises(errors.TimedOut, match="within 3 seconds"):
            ours.fetch()


def test_a_body_that_breaks_off() -> None:
    with (
        serving(lambda _: Answer(body=b"{", length=50)) as stage,
        pytest.raises(errors.NetworkError),
    ):
        source(stage.url).fetch()


def test_each_network_error_has_its_name() -> None:
    cases: list[tuple[Exception, type[StsClientError]]] = [
        (requests.exceptions.SSLError(SECRET), errors.TlsFailed),
        (requests.exceptions.ProxyError(SECRET), errors.ConnectFailed),
        (requests.exceptions.ConnectTimeout(SECRET), errors.TimedOut),
        (requests.exceptions.ReadTimeout(SECRET), errors.TimedOut),
        (requests.exceptions.ConnectionError(SECRET), errors.ConnectFailed),
        (urllib3.exceptions.LocationParseError(SECRET), errors.ConnectFailed),
        (OSError(SECRET), errors.TlsFailed),
    ]
    for error, kind in cases:
        found = errors.NetworkError.of(error, "https://example.com")
        assert type(found) is kind
        assert SECRET not in str(found)


def test_shows_no_token_and_does_not_travel_with_one() -> None:
    ours = source("https://sts.example.com")
    assert BEARER not in repr(ours)
    with pytest.raises(TypeError, match="TokenFile"):
        pickle.dumps(ours)


def test_travels_with_the_name_of_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text(f"{BEARER}\n")
    monkeypatch.setenv("THE_TOKEN", BEARER)
    for token in (TokenFile(path), TokenVariable("THE_TOKEN")):
        with serving(lambda _: json_answer(lease_body())) as stage:
            there = server(stage.url, Wish("uploads", prefix="users/alice/"), token=token)
            pickled = pickle.dumps(there)
            assert BEARER.encode() not in pickled
            pickle.loads(pickled).fetch()  # noqa: S301 - its own
            (asked,) = stage.asked
        assert asked.headers["Authorization"] == f"Bearer {BEARER}"
        assert asked.target == "/v1/credentials/uploads?prefix=users%2Falice%2F"


def test_a_token_is_read_anew_for_each_lease(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with serving(lambda _: json_answer(lease_body())) as stage:
        there = server(stage.url, Wish("uploads"), token=TokenFile(path))
        for text in ("one", "two\n"):
            path.write_text(text)
            there.fetch()
        assert [it.headers["Authorization"] for it in stage.asked] == ["Bearer one", "Bearer two"]
        for unusable in ("", "two words", "é"):
            path.write_text(unusable)
            with pytest.raises(errors.UsageError):
                there.fetch()
        path.unlink()
        with pytest.raises(errors.UsageError) as caught:
            there.fetch()
        assert str(path) not in str(caught.value)
        assert len(stage.asked) == 2


def test_a_variable_that_is_not_set_is_named() -> None:
    there = server("http://127.0.0.1:9", Wish("g"), token=TokenVariable("NO_SUCH_TOKEN", {}))
    with pytest.raises(errors.UsageError, match="NO_SUCH_TOKEN"):
        there.fetch()


def test_the_next_server_is_asked_where_one_is_away() -> None:
    away = errors.ConnectFailed("away")
    first, second = Queue(away, lease(1), away), Queue(lease(2), lease(3))
    both = Fallbacks([first, second])
    assert both.fetch() == lease(2)
    assert both.fetch(refused="STS.2") == lease(3)  # that served last, it knows
    assert first.asked == [None]
    assert second.asked == [None, "STS.2"]


@pytest.mark.parametrize(
    "refusal",
    [errors.Unauthenticated("no"), errors.GrantDenied("no"), errors.TooManyRequests("no")],
)
def test_a_refusal_is_not_asked_about_elsewhere(refusal: errors.VendingError) -> None:
    second = Queue(lease(2))
    with pytest.raises(type(refusal)):
        Fallbacks([Queue(refusal), second]).fetch()
    assert second.asked == []


def test_where_all_are_away_the_first_one_says_why() -> None:
    first, second = errors.ServerUnavailable("first"), errors.TimedOut("second")
    with pytest.raises(errors.ServerUnavailable, match="first"):
        Fallbacks([Queue(first), Queue(second)]).fetch()
    with pytest.raises(errors.UsageError):
        Fallbacks([])
