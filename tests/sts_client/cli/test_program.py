"""The program around the commands: options, tokens, exit codes, streams."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sts_client.cli import Streams, main
from tests.sts_client.cli.house import LISTING, Run, cloud, refusing, status
from tests.sts_client.stage import BEARER, Answer, Asked, json_answer, serving


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusing("PreconditionFailed", 412), 4),
        (refusing("FileAlreadyExists", 409), 4),
        (refusing("AccessDenied", 403), 5),
        (refusing("NoSuchKey", 404), 1),
        (refusing("SecurityTokenExpired", 403), 1),
        (status(500), 1),
    ],
)
def test_exit_codes_of_oss(answer: Callable[[Asked], Answer], code: int) -> None:
    with cloud(answer) as (url, _):
        run = Run(url, "put", "-", "oss://examplebucket/k", "--forbid-overwrite", stdin=b"abc")
    assert run.code == code
    assert run.err.startswith("sts-client: PUT 'k': ")


@pytest.mark.parametrize(("number", "code"), [(401, 5), (403, 5), (429, 1), (503, 1), (200, 1)])
def test_exit_codes_of_the_vending_server(number: int, code: int) -> None:
    with serving(lambda _: json_answer({}, number)) as stage:
        assert Run(stage.url, "get", "oss://examplebucket/k", "-").code == code


@pytest.mark.parametrize(
    "argv",
    [
        ("ls", "oss://examplebucket/\udcff"),
        ("rm", "oss://examplebucket/\udcff"),
        ("rm", "oss://\udcff/k"),
        ("--grant", "\udcff", "rm", "oss://examplebucket/k"),
        ("--server", "https://example.com/\udcff", "rm", "oss://examplebucket/k"),
        ("--endpoint", "https://example.com/\udcff", "rm", "oss://examplebucket/k"),
        ("get", "oss://examplebucket/k", "-", "--if-match", "\udcff"),
    ],
)
def test_arguments_that_are_no_text(argv: tuple[str, ...]) -> None:
    with cloud(status(200)) as (url, asked):
        assert Run(url, *argv).code == 2
    assert asked == []


@pytest.mark.parametrize(
    ("command", "code"),
    [('"$@" rm oss://examplebucket/k <&- >&-', 0), ('"$@" ls oss://examplebucket >&- 2>&-', 1)],
)
def test_streams_that_are_closed(command: str, code: int) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(204) if asked.method == "DELETE" else Answer(body=LISTING)

    program = "import sys; from sts_client.cli import main; sys.exit(main())"
    with cloud(answer) as (url, _):
        done = subprocess.run(
            ["/bin/sh", "-c", command, "sh", sys.executable, "-c", program],
            env={
                **os.environ,
                "OSS_STS_SERVER": url,
                "OSS_STS_GRANT": "g",
                "OSS_STS_TOKEN": BEARER,
            },
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (code, b"")


def test_a_reader_that_goes_away() -> None:
    program = "import sys; from sts_client.cli import main; sys.exit(main())"
    read, write = os.pipe()
    os.close(read)
    with cloud(lambda _: Answer(body=LISTING)) as (url, _), os.fdopen(write) as gone:
        done = subprocess.run(
            [sys.executable, "-c", program, "ls", "oss://examplebucket"],
            env={
                **os.environ,
                "OSS_STS_SERVER": url,
                "OSS_STS_GRANT": "g",
                "OSS_STS_TOKEN": BEARER,
            },
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_another_endpoint() -> None:
    with serving(status(204)) as other, cloud(status(500)) as (url, asked):
        run = Run(url, "--endpoint", other.url, "rm", "oss://examplebucket/k")
    assert (run.code, len(other.asked), asked) == (0, 1, [])


def test_http_elsewhere_only_if_asked_for() -> None:
    elsewhere = "http://a..b"  # which cannot be reached either way
    assert Run(elsewhere, "rm", "oss://examplebucket/k").code == 2
    assert Run(elsewhere, "--allow-http", "rm", "oss://examplebucket/k").code == 1


def test_a_token_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{BEARER}\n")
    with cloud(status(204)) as (url, _):
        run = Run(url, "--token-file", str(file), "rm", "oss://examplebucket/k", token="")
        assert run.code == 0


@pytest.mark.parametrize("name", [BEARER, BEARER * 20, BEARER + "\0", "folder", "binary", "empty"])
def test_what_is_no_token_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("binary").write_bytes(b"\xff" + BEARER.encode())
    Path("empty").touch()
    with cloud(status(204)) as (url, asked):
        run = Run(url, "--token-file", name, "rm", "oss://examplebucket/k")
    assert run.code == 2
    assert "token" in run.err
    assert "cause" not in run.err
    assert asked == []


@pytest.mark.parametrize(
    "argv",
    [
        ["--token", BEARER, "rm", "oss://b/k"],
        [f"--token={BEARER}", "rm", "oss://b/k"],
        ["rm", "--token", BEARER, "oss://b/k"],
        ["rm", "oss://b/k", "--token", BEARER],
        ["get", f"--token={BEARER}", "oss://b/k"],
    ],
)
def test_a_token_among_the_arguments(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv, {}) == 2
    said = capsys.readouterr().err
    assert "--token-file" in said
    assert BEARER not in said


def test_what_is_missing_is_named() -> None:
    streams = Streams(io.BytesIO(), io.BytesIO(), io.BytesIO())
    assert main(["rm", "oss://examplebucket/k"], {}, streams) == 2
    environ = {"OSS_STS_SERVER": "https://example.com", "OSS_STS_GRANT": "uploads"}
    assert main(["rm", "oss://examplebucket/k"], environ, streams) == 2
    said = streams.stderr.getvalue().decode()  # type: ignore[attr-defined]  # BytesIO
    assert re.findall(r"OSS_STS_\w+", said) == ["OSS_STS_SERVER", "OSS_STS_GRANT", "OSS_STS_TOKEN"]


@pytest.mark.parametrize(
    "argv", [[], ["get"], ["--tok", "x", "rm", "oss://b/k"], ["sing", "oss://b/k"]]
)
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv, {}) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("argv", [["--json", "get"], ["get", "--json"], ["rm", "x", "--json"]])
def test_mistakes_as_json(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv, {}) == 2
    said = json.loads(capsys.readouterr().err)
    assert (said["error"], said["exit"]) == ("UsageError", 2)


def test_refusals_as_json() -> None:
    with cloud(refusing("NoSuchKey", 404)) as (url, _):
        run = Run(url, "get", "oss://examplebucket/k", "-", "--json")
    said = json.loads(run.err)
    assert (said["error"], said["code"], said["status"], said["exit"]) == (
        "NoSuchKey",
        "NoSuchKey",
        404,
        1,
    )
    assert run.out == b""


def test_nothing_but_what_was_asked_for(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(body=LISTING if "list-type" in asked.target else b"abc")

    with cloud(answer) as (url, _):
        assert Run(url, "--quiet", "get", "oss://examplebucket/k", str(tmp_path / "x")).out == b""
        assert Run(url, "rm", "oss://examplebucket/k", "--quiet").out == b""
        assert Run(url, "--quiet", "ls", "oss://examplebucket").out.count(b"\n") == 2


def test_options_stand_before_the_command_or_behind_it() -> None:
    with serving(lambda _: json_answer({}, 503)) as stage, cloud(status(204)) as (url, asked):
        argv = ("--server", stage.url, "rm", "oss://examplebucket/k")
        assert Run(url, *argv).code == 1
        # Said again behind it, it counts; and the second of two stands in for the first.
        assert Run(url, *argv, "--server", url).code == 0
        assert Run(url, *argv[:2], "--server", url, *argv[2:]).code == 0
        environ_servers = f"{stage.url}, {url}"
        assert Run(environ_servers, *argv[2:]).code == 0
    assert len(asked) == 3


def test_a_disk_cache_needs_an_identity(tmp_path: Path) -> None:
    argv = ("rm", "oss://examplebucket/k", "--disk-cache", str(tmp_path / "leases"))
    with cloud(status(204)) as (url, _):
        assert "identity" in Run(url, *argv).err
        assert Run(url, *argv, "--identity", "alice").code == 0
        # The second one is served from the folder: nobody vends any more.
    assert len(list((tmp_path / "leases").glob("*.lease"))) == 1


def test_an_interrupt() -> None:
    class Interrupted(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    streams = Streams(Interrupted(b"abc"), io.BytesIO(), io.BytesIO())
    with cloud(status(200)) as (url, _):
        environ = {"OSS_STS_SERVER": url, "OSS_STS_GRANT": "g", "OSS_STS_TOKEN": BEARER}
        assert main(["put", "-", "oss://examplebucket/k"], environ, streams) == 130
