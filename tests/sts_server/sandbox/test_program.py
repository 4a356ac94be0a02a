"""The program and its handle: starts, says so, obeys its controls, ends cleanly."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sts_server.sandbox import ControlError, Sandbox, StartError
from sts_server.sandbox.program import signals_wait

PROGRAM = [sys.executable, "-m", "sts_server.sandbox"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert list(ready) == [
        "endpoint",
        "browser_endpoint",
        "sts_endpoint",
        "control_endpoint",
        "control_token",
        "bucket",
        "region",
        "access_key_id",
        "access_key_secret",
        "role_arn",
    ]


def test_the_end_of_stdin_ends_it_and_its_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert len(list(tmp_path.iterdir())) == 1
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "http"], "invalid int value: 'http'"),
        (["--port", "70000"], "70000 is not a port"),
        (["--tls-port", "70000"], "70000 is not a port"),
        (["--domain", "a..b"], "'a..b' is not a usable domain"),
        (["--bucket", "Bad_Bucket"], "'Bad_Bucket' is not a usable bucket"),
        (["--region", ""], "'' is not a usable region"),
        (["--role-arn", "me"], "'me' is not a usable role ARN"),
        (["--access-key-id", "LTAIx"], "go together"),
        (["--access-key-id", "STS.x", "--access-key-secret", "y"], "not a usable AccessKey id"),
        (["--unheard-of"], "unrecognized arguments: --unheard-of"),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], complaint: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"sandbox: 127.0.0.1 port {port} is in use\n"
        with pytest.raises(StartError, match="is in use"):
            Sandbox(port=port).start()


def test_a_data_folder_in_use_is_one_line(tmp_path: Path) -> None:
    with Sandbox(data=tmp_path):
        done = run("--data", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "another sandbox" in done.stderr


def test_a_data_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("--data", str(tmp_path / "file"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_importing_the_face_needs_only_the_standard_library() -> None:
    names = "'starlette', 'uvicorn', 'httptools', 'fastcrc', 'requests'"
    code = (
        f"import sys\nfor name in ({names}): sys.modules[name] = None\n"
        "import sts_server.sandbox as s\nassert s.Sandbox"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_a_missing_extra_is_one_line(tmp_path: Path) -> None:
    """A finder that denies uvicorn stands for an install without the extra."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Deny:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'uvicorn': raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Deny())\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        PROGRAM,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    expected = 'sandbox: the sandbox needs an extra: pip install "oss-sts[server]"\n'
    assert (done.returncode, done.stderr) == (1, expected)


def call(
    sandbox: Sandbox, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(sandbox.control_endpoint).netloc, timeout=10)
    given = {"Authorization": f"Bearer {sandbox.control_token}", **headers}
    connection.request(method, path, body, given)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def test_time_moves_forward_on_demand(sandbox: Sandbox) -> None:
    before = sandbox.now()
    assert timedelta(seconds=90) <= sandbox.advance(90.5) - before < timedelta(seconds=120)
    assert call(sandbox, "GET", "/clock")[1]["offset"] >= 90.5


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "/clock", None, 400, "advance is a number of seconds"),
        ("POST", "/clock", "{", 400, "the body is not JSON"),
        ("POST", "/clock", "[" * 60_000, 400, "the body is not JSON"),
        ("POST", "/clock", "x" * 70_000, 413, "the body is too large"),
        ("POST", "/clock", "[]", 400, "the body is not a JSON object"),
        ("POST", "/clock", '{"advance":"1"}', 400, "advance is a number of seconds"),
        ("POST", "/clock", '{"advance":true}', 400, "advance is a number of seconds"),
        ("POST", "/clock", '{"advance":-1}', 400, "advance cannot be used"),
        ("POST", "/clock", '{"advance":NaN}', 400, "advance cannot be used"),
        ("POST", "/clock", '{"advance":1e400}', 400, "advance cannot be used"),
        ("POST", "/clock", '{"advance":1e12}', 400, "advance cannot be used"),
        ("POST", "/clock", '{"advance":1,"by":2}', 400, "unknown member 'by'"),
        ("POST", "/expire", '{"access_key_id":1}', 400, "access_key_id is text"),
        ("POST", "/revoke", '{"access_key_id":[]}', 400, "access_key_id is text"),
        ("POST", "/reset", '{"all":true}', 400, "unknown member 'all'"),
        ("POST", "/faults", "{}", 400, "a fault needs an effect"),
        ("POST", "/faults", '{"latency":61}', 400, "latency is a number from 0 to 60"),
        ("DELETE", "/faults", '{"id":"1"}', 400, "id is a whole number"),
        ("DELETE", "/faults", '{"id":1}', 404, "there is no fault 1"),
        ("PUT", "/faults", None, 405, "there is no such control call"),
        ("GET", "/nothing", None, 404, "there is no such control call"),
        ("PUT", "/clock", None, 405, "there is no such control call"),
    ],
)
def test_bad_control_calls(
    sandbox: Sandbox, method: str, path: str, body: str | None, status: int, reason: str
) -> None:
    seen_status, answer = call(sandbox, method, path, body)
    assert seen_status == status
    assert answer["error"].startswith(reason)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer \xff"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_strangers_have_no_control(sandbox: Sandbox, headers: dict[str, str], status: int) -> None:
    seen_status, answer = call(sandbox, "POST", "/clock", '{"advance":1}', **headers)
    assert seen_status == status
    assert set(answer) == {"error"}


def test_a_second_host_header_is_a_strangers(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.control_endpoint).port
    head = (
        "GET /clock HTTP/1.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {sandbox.control_token}\r\n"
    )
    host = f"Host: 127.0.0.1:{port}\r\n"
    for hosts, status in ((host, b"200"), (host * 2, b"40"), (f"{host}Host: evil\r\n", b"40")):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(f"{head}{hosts}\r\n".encode())
            with line.makefile("rb") as answer:
                assert answer.readline().split()[1].startswith(status)


def test_localhost_is_no_stranger(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.control_endpoint).port
    headers = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert call(sandbox, "GET", "/clock", **headers)[0] == 200


def test_nobody_to_expire(sandbox: Sandbox) -> None:
    assert sandbox.expire() == 0
    assert sandbox.expire("STS.nobody") == 0


def test_the_handle_hides_its_secrets_and_explains_refusals(sandbox: Sandbox) -> None:
    assert repr(sandbox) == f"<Sandbox {sandbox.endpoint}>"
    assert repr(Sandbox()) == "<Sandbox not started>"
    with pytest.raises(ControlError, match="400: advance cannot be used"):
        sandbox.advance(-1)
    with pytest.raises(StartError, match="already running"):
        sandbox.start()


def test_what_is_neither_sts_nor_a_bucket_is_told_so(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code>" in body
    assert answer.headers["Server"] == "AliyunOSS"
    assert answer.headers.get_all("Server") == ["AliyunOSS"]
    assert answer.headers["Date"]


def test_an_interrupt_waits_until_the_parts_are_made() -> None:
    made: list[str] = []

    def begin() -> None:
        with signals_wait():
            signal.raise_signal(signal.SIGINT)
            made.append("all of them")

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert made == ["all of them"]
