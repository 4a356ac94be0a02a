"""Fetching keys: over real sockets, from issuers that are slow, wrong, endless or not who they say."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from sts_server.callers.oidc.fetch import LARGEST, fetch_keys
from sts_server.callers.oidc.key_set import KeySet
from sts_server.errors import LoginUnavailable
from tests.sts_server.callers.oidc.mint import jwk, jwks, table

Answer = Callable[[BaseHTTPRequestHandler], None]
WELL_KNOWN = "/.well-known/openid-configuration"


class Web(ThreadingHTTPServer):
    """Answers each path as it was told to, and keeps what was asked."""

    def __init__(self, authority: trustme.CA | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []
        scheme = "http"
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing: that clients hang up is the test."""


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.server.answers.get(self.path, says("", 404))(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def says(body: object, status: int = 200, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(text.encode("latin-1"))

    return answer


@contextmanager
def serving(authority: trustme.CA | None = None) -> Iterator[Web]:
    with Web(authority) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        running.answers[WELL_KNOWN] = says(
            {"issuer": running.url, "jwks_uri": f"{running.url}/keys"}
        )
        running.answers["/keys"] = says(jwks(jwk()))
        yield running


def fetch(issuer: str, more: str = "", patience: float = 10) -> KeySet:
    return asyncio.run(fetch_keys(table(more, issuer), patience=patience))


def hint(issuer: str, more: str = "", patience: float = 10) -> str:
    with pytest.raises(LoginUnavailable) as refusal:
        fetch(issuer, more, patience)
    return refusal.value.detail


def test_the_issuer_says_where_its_keys_are(web: Web) -> None:
    assert [key.key_id for key in fetch(web.url).keys] == ["1"]
    assert web.asked == [(WELL_KNOWN, None), ("/keys", None)]


def test_an_issuer_may_have_a_path_and_end_in_a_slash(web: Web) -> None:
    for issuer in (f"{web.url}/realms/a", f"{web.url}/b/"):
        path = issuer.removeprefix(web.url).rstrip("/") + WELL_KNOWN
        web.answers[path] = says({"issuer": issuer, "jwks_uri": f"{web.url}/keys"})
        assert fetch(issuer).keys


def test_the_place_of_the_keys_may_be_told(web: Web) -> None:
    assert fetch("https://login.example.com", f'jwks_uri = "{web.url}/keys"').keys
    assert web.asked == [("/keys", None)]


def test_keys_may_stand_in_a_file_that_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    more = f'jwks_file = "{file}"'
    assert "cannot be read: No such file" in hint("https://login.example.com", more)
    file.write_text(jwks(jwk()))
    assert fetch("https://login.example.com", more).keys
    file.write_text(jwks(jwk(kid="2")))
    assert fetch("https://login.example.com", more).keys[0].key_id == "2"
    file.write_text("x" * (LARGEST + 1))
    assert "larger than" in hint("https://login.example.com", more)
    file.write_bytes(b"\xff")
    assert hint("https://login.example.com", more).endswith("is not UTF-8 text")


@pytest.mark.parametrize(
    "other", ["http://127.0.0.1:1", "https://login.example.com", 7, None, [], "{url}/", "{url}/."]
)
def test_a_document_of_another_issuer_is_not_believed(web: Web, other: object) -> None:
    issuer = other.format(url=web.url) if isinstance(other, str) else other
    web.answers[WELL_KNOWN] = says({"issuer": issuer, "jwks_uri": f"{web.url}/keys"})
    assert "another issuer's" in hint(web.url)
    assert ("/keys", None) not in web.asked


@pytest.mark.parametrize("document", ["", "[]", "7", "{", "[" * 100_000, "null", '{"issuer": 1}'])
def test_a_document_that_is_none_is_a_failure(web: Web, document: str) -> None:
    web.answers[WELL_KNOWN] = says(document)
    assert "discovery document" in hint(web.url)


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        "",
        "/keys",
        "keys",
        "file:///etc/passwd",
        "ftp://a.example/keys",
        "http://a.example/keys",
        "http://127.0.0.1:99999/keys",
        "https://user@a.example/keys",
        "https://a.example/k\neys",
        "https:///keys",
        "https://[::1/keys",
    ],
)
def test_keys_are_fetched_from_safe_places_only(web: Web, uri: object) -> None:
    web.answers[WELL_KNOWN] = says({"issuer": web.url, "jwks_uri": uri})
    assert "jwks_uri in its discovery document" in hint(web.url)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', "nonsense", "[" * 100_000, "7"])
def test_what_is_no_key_set_is_a_failure(web: Web, text: str) -> None:
    web.answers["/keys"] = says(text)
    assert "no JWK set" in hint(web.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(web: Web, status: int) -> None:
    web.answers["/keys"] = says("", status, Location=f"{web.url}/elsewhere")
    web.answers["/elsewhere"] = says(jwks(jwk()))
    assert f"answered {status}" in hint(web.url)
    assert ("/elsewhere", None) not in web.asked


@pytest.mark.parametrize("status", [204, 400, 401, 404, 500, 503])
def test_any_answer_but_yes_is_a_failure(web: Web, status: int) -> None:
    web.answers["/keys"] = says("SECRET TEXT", status)
    assert hint(web.url) == f"{web.url}: answered {status}"


def test_an_endless_answer_is_cut_off(web: Web) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b" " * 65536)

    web.answers["/keys"] = endless
    assert "more than 262144 bytes" in hint(web.url)


def test_an_answer_that_could_swell_is_refused(web: Web) -> None:
    web.answers["/keys"] = says("x", Content_Encoding="gzip")
    assert "encoding" in hint(web.url)


def test_an_answer_that_never_ends_ends(web: Web) -> None:
    stop = threading.Event()

    def dripping(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not stop.wait(0.05):
            request.wfile.write(b" ")

    web.answers["/keys"] = dripping
    assert hint(web.url, patience=0.3) == "no answer in 0.3 seconds"
    stop.set()


def test_nobody_there_is_a_failure() -> None:
    with serving() as gone:
        url = gone.url
    assert hint(url) == f"{url}: nobody answers there"


def _no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0\r\n\r\n")


def test_what_is_no_http_is_a_failure(web: Web) -> None:
    web.answers["/keys"] = _no_http
    assert hint(web.url) == f"{web.url}: RemoteProtocolError"


def test_only_the_given_authority_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(authority) as web:
        web.answers[WELL_KNOWN] = says({"issuer": web.url, "jwks_uri": f"{web.url}/keys"})
        web.answers["/keys"] = says(jwks(jwk()))
        assert "certificate is not trusted" in hint(web.url)
        assert fetch(web.url, f'ca_file = "{ca_file}"').keys
        for scheme in ("http", "HTTP"):
            keys = f"{scheme}://127.0.0.1:1/keys"
            web.answers[WELL_KNOWN] = says({"issuer": web.url, "jwks_uri": keys})
            assert "must be https" in hint(web.url, f'ca_file = "{ca_file}"')
    ca_file.write_text("no certificate")
    why = f"{ca_file}: cannot be used: it holds no certificate"
    assert hint(web.url, f'ca_file = "{ca_file}"') == why
    assert "No such file" in hint(web.url, f'ca_file = "{tmp_path / "none"}"')


def test_the_bearer_is_read_anew_and_goes_to_the_issuers_own_host_only(
    web: Web, tmp_path: Path
) -> None:
    bearer = tmp_path / "token"
    more = f'bearer_file = "{bearer}"'
    with serving() as other:
        other.answers["/keys"] = says(jwks(jwk()))
        for text in ("one", "two\n"):
            bearer.write_text(text)
            fetch(web.url, more)
        web.answers[WELL_KNOWN] = says({"issuer": web.url, "jwks_uri": f"{other.url}/keys"})
        fetch(web.url, more)
        assert other.asked == [("/keys", None)]
        fetch(web.url, f'{more}\njwks_uri = "{other.url}/keys"')
        assert other.asked[1:] == [("/keys", "Bearer two")]
    assert [sent for _, sent in web.asked] == ["Bearer one"] * 2 + ["Bearer two"] * 3
    for text in ("", "a b", "a\r\nX: y", "é"):
        bearer.write_text(text)
        assert hint(web.url, more).endswith("holds no token")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense://a b", "http://127.0.0.1:1"])
def test_a_proxy_that_is_of_no_use_is_a_failure(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    host = "https://login.example.com"
    assert hint(host, f'jwks_uri = "{host}/keys"').startswith(f"{host}: ")


def test_a_proxy_is_not_asked_for_this_machine(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(web.url).keys
