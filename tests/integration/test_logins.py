"""The recipes in deploy/callers, run: a webhook, a backend with cookies, nginx with a login behind it."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

import sts_client
from sts_client import errors
from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS, Server, vending_server

RECIPES = Path(__file__).parents[2] / "deploy" / "callers"
TOKEN = "session-token-of-carol"
SECRET = "0123456789abcdef" * 4
PROXY = '\n[callers.forwarded]\nnetworks = ["127.0.0.1"]\nsecret_file = "{file}"\nid_prefix = "proxy:"\n'
HOOK = (
    '\n[callers.webhook]\nurl = "{url}"\nauth_file = "{file}"\ngroups_claim = "groups"\n'
    'id_prefix = "login:"\nremember = 0\ntimeout = 5\n'
    '[[grants]]\nname = "staff"\nprefix = "staff/"\nactions = ["get"]\n'
    'who = {{{{ groups = ["login:staff"] }}}}\n'
)


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def program(*words: str | Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    # What it says there, nobody reads: a pipe would fill and stop it.
    process = subprocess.Popen(
        [*words],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert process.poll() is None, "it ended"
            time.sleep(0.05)
        else:
            return
    raise AssertionError("it does not listen")


def get(url: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers=named, timeout=30)


# the webhook


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.json"
    path.write_text(json.dumps({TOKEN: {"user": "carol", "groups": ["staff"]}}))
    return path


@pytest.fixture
def hooked(sandbox: Sandbox, tmp_path: Path, sessions: Path) -> Iterator[Server]:
    auth = private(tmp_path / "auth", "a-bearer-of-ours\n")
    example = RECIPES / "webhook_example.py"
    with program(sys.executable, example, "127.0.0.1:0", sessions, auth) as login:
        assert login.stdout is not None
        url = login.stdout.readline().strip()
        text = CONFIG + HOOK.format(url=url, file=auth)
        with vending_server(sandbox, tmp_path, text) as server:
            yield server


def test_any_login_plugs_in(hooked: Server) -> None:
    with sts_client.connect(hooked.url, grant="uploads", token=TOKEN) as bucket:
        bucket.put("users/login:carol/a.txt", b"a")
        assert bucket.get("users/login:carol/a.txt").read() == b"a"
        with pytest.raises(errors.AccessDenied):
            bucket.get("users/carol/a.txt")
    staff = get(f"{hooked.url}/v1/credentials/staff", Authorization=f"Bearer {TOKEN}")
    assert staff.json()["Lease"]["Prefix"] == "staff/"
    with hooked.connect("alice") as bucket:
        bucket.put("users/alice/a.txt", b"a")
    assert {line["caller"] for line in hooked.audit()} == {"login:carol", "alice"}


def test_who_signed_out_is_told_so_and_their_token_is_nowhere(
    hooked: Server, sessions: Path
) -> None:
    url = f"{hooked.url}/v1/credentials/uploads"
    assert get(url, Authorization=f"Bearer {TOKEN}").status_code == 200
    sessions.write_text("{}")
    answer = get(url, Authorization=f"Bearer {TOKEN}")
    assert (answer.status_code, answer.json()["Code"]) == (401, "Unauthenticated")
    assert "signed out; sign in again" in answer.json()["detail"]
    assert TOKEN not in hooked.log() + hooked.audit_path.read_text() + answer.text


def test_a_login_with_another_bearer_serves_nobody(hooked: Server, tmp_path: Path) -> None:
    private(tmp_path / "auth", "another-bearer\n")
    answer = get(f"{hooked.url}/v1/credentials/uploads", Authorization=f"Bearer {TOKEN}")
    assert (answer.status_code, answer.json()["Code"]) == (503, "LoginUnavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "callers.webhook: HTTP status 401" in hooked.log()
    hooked.lease("alice")
    # A key stays here, whether anybody holds it or not.
    unknown = get(f"{hooked.url}/v1/credentials/uploads", Authorization="Bearer osk_" + "x" * 43)
    assert unknown.status_code == 401


def test_thousands_of_unknown_tokens_and_keys_leave_the_server_as_it_was(hooked: Server) -> None:
    def memory() -> int:
        status = Path(f"/proc/{hooked.process.pid}/status").read_text()
        (kib,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
        return int(kib)

    def flood(name: str) -> None:
        connection = http.client.HTTPConnection(hooked.url.removeprefix("http://"), timeout=30)
        for number in range(150):
            for token in (f"osk_{name}-{number}".ljust(47, "x"), f"{name}-{number}" * 200):
                headers = {"Authorization": f"Bearer {token}"}
                connection.request("GET", "/v1/credentials/uploads", headers=headers)
                with connection.getresponse() as answer:
                    answer.read()
                    statuses.add(answer.status)
        connection.close()

    statuses: set[int] = set()
    flood("warm-up")
    before = memory()
    threads = [threading.Thread(target=flood, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        # Others are served meanwhile.
        begun = time.monotonic()
        hooked.lease("alice")
        assert time.monotonic() - begun < 5
        threads[0].join(0.1)
    for thread in threads:
        thread.join()
    assert statuses <= {401, 503}
    grown = memory() - before
    assert grown < 8 * 1024


# the backend


def test_a_backend_passes_leases_on_to_whoever_is_signed_in_there(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = private(tmp_path / "secret", SECRET)
    port = free_port()
    words = (
        sys.executable,
        "-m",
        "uvicorn",
        "backend_example:app",
        "--port",
        str(port),
        "--no-access-log",
    )
    with (
        vending_server(sandbox, tmp_path, CONFIG + PROXY.format(file=file)) as server,
        program(*words, "--app-dir", RECIPES, STS=server.url, STS_SECRET_FILE=str(file)) as backend,
    ):
        wait_for(port, backend)
        url = f"http://127.0.0.1:{port}/keys/uploads"
        answer = get(url, Cookie="session=0123456789abcdef")
        assert answer.json()["Lease"]["Prefix"] == "users/proxy:alice/"
        assert answer.headers["Cache-Control"] == "no-store"
        narrowed = get(f"{url}?prefix=users/proxy:alice/a/", Cookie="session=0123456789abcdef")
        assert narrowed.json()["Lease"]["Prefix"] == "users/proxy:alice/a/"
        # What a browser says of itself does not count.
        for headers in (
            {},
            {"Cookie": "session=x"},
            {"X_Forwarded_User": "bob", "X_Forwarded_Secret": SECRET},
            {"Authorization": f"Bearer {KEYS['bob']}"},
        ):
            assert get(url, **headers).status_code == 401
        forged = get(url, Cookie="session=0123456789abcdef", X_Forwarded_User="bob")
        assert forged.json()["Lease"]["Prefix"] == "users/proxy:alice/"
        hostile = url.replace("uploads", "uploads%3Fprefix=users%252Fproxy:bob%252F")
        assert get(hostile, Cookie="session=0123456789abcdef").status_code == 403


# nginx


class SignedIn(BaseHTTPRequestHandler):
    """An app that knows one session."""

    def do_GET(self) -> None:
        """Say who holds the cookie."""
        known = "session=0123456789abcdef" in self.headers.get("Cookie", "")
        self.send_response(204 if known else 401)
        if known:
            self.send_header("X-User", "carol")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; {lines} }}
}}
"""


@pytest.fixture
def nginx(sandbox: Sandbox, tmp_path: Path) -> Iterator[str]:
    """Run nginx with the lines of the recipe between a browser and the server."""
    program_path = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program_path is None:
        pytest.skip("nginx is not here: the recipe deploy/callers/proxy.md is not tried")
    file = private(tmp_path / "secret", SECRET)
    private(tmp_path / "sent.conf", f'proxy_set_header X-Forwarded-Secret "{SECRET}";')
    (lines,) = re.findall(r"```nginx\n(.*?)```", (RECIPES / "proxy.md").read_text(), re.DOTALL)
    app = ThreadingHTTPServer(("127.0.0.1", 0), SignedIn)
    thread = threading.Thread(target=app.serve_forever)
    thread.start()
    told = PROXY.format(file=file) + 'groups_header = "X-Forwarded-Groups"\n'
    staff = '[[grants]]\nname = "staff"\nprefix = "staff/"\nactions = ["get"]\nwho = {{ groups = ["proxy:staff"] }}\n'
    try:
        with vending_server(sandbox, tmp_path, CONFIG + told + staff) as server:
            for old, new in (
                ("http://127.0.0.1:8000", server.url),
                ("http://127.0.0.1:9000", f"http://127.0.0.1:{app.server_port}"),
                ("/etc/nginx/sts-secret.conf", f"{tmp_path}/sent.conf"),
            ):
                assert old in lines
                lines = lines.replace(old, new)
            port = free_port()
            config = tmp_path / "nginx.conf"
            config.write_text(NGINX.format(folder=tmp_path, port=port, lines=lines))
            with program(program_path, "-e", tmp_path / "error.log", "-c", config) as process:
                wait_for(port, process)
                yield f"http://127.0.0.1:{port}/v1/credentials"
    finally:
        app.shutdown()
        thread.join()
        app.server_close()


COOKIE = "session=0123456789abcdef"


def test_nginx_says_who_is_signed_in_whatever_a_client_says(nginx: str) -> None:
    mine = get(f"{nginx}/uploads", Cookie=COOKIE)
    assert mine.json()["Lease"]["Prefix"] == "users/proxy:carol/"
    assert get(f"{nginx}/uploads").status_code == 401
    forged = {
        "X_Forwarded_User": "alice",
        "X_Forwarded_Secret": SECRET,
        "X_Forwarded_Groups": "staff",
        "X_User": "alice",
        "Authorization": f"Bearer {KEYS['alice']}",
        "Connection": "close, X-Forwarded-User, X-Forwarded-Secret",
    }
    assert get(f"{nginx}/uploads", **forged).status_code == 401
    answer = get(f"{nginx}/uploads", Cookie=COOKIE, **forged)
    assert answer.json()["Lease"]["Prefix"] == "users/proxy:carol/"
    assert get(f"{nginx}/staff", Cookie=COOKIE, **forged).status_code == 403


@pytest.mark.parametrize(
    "line",
    [
        "X_Forwarded_User: alice", "X-Forwarded-User : alice", "X-Forwarded-User: a\r\n alice", "x-forwarded-user: alice\r\nX-FORWARDED-USER: bob",
        "X-Forwarded-User:\x01alice", "X-Forwarded-User:", "Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\n\r\n0\r\nX-Forwarded-User: alice",
    ],
)  # fmt: skip
def test_no_spelling_gets_past_nginx(nginx: str, line: str) -> None:
    port = int(nginx.split(":")[2].partition("/")[0])
    head = f"GET /v1/credentials/uploads HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {COOKIE}\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{head}{line}\r\n\r\n".encode())
        while part := connection.recv(65536):
            answer += part
    assert b"users/alice" not in answer
    assert b"users/proxy:carol/" in answer or answer.startswith(b"HTTP/1.1 400")
