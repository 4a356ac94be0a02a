"""The command line from the inside: arguments, environment and streams in, exit code out."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sts_client.cli import Streams, main
from sts_client.transfer.landing import landing
from tests.sts_client.stage import BEARER, SECRETS, Answer, Asked, json_answer, lease_body, serving

LISTING = b"""
<ListBucketResult>
  <EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
  <Contents>
    <Key>a%1B%5B2Jb</Key><LastModified>2025-12-01T08:30:00.000Z</LastModified>
    <ETag>"5B3C"</ETag><Size>3</Size><StorageClass>Standard</StorageClass>
  </Contents>
  <CommonPrefixes><Prefix>folder/</Prefix></CommonPrefixes>
</ListBucketResult>
"""


class Run:
    """What one command did."""

    def __init__(self, url: str, *argv: str, stdin: bytes = b"", token: str = BEARER) -> None:
        streams = Streams(io.BytesIO(stdin), io.BytesIO(), io.BytesIO())
        environ = {"OSS_STS_SERVER": url, "OSS_STS_GRANT": "uploads", "OSS_STS_TOKEN": token}
        self.code = main(argv, environ, streams)
        self.out = b"" if streams.stdout.closed else streams.stdout.getvalue()  # type: ignore[attr-defined]  # BytesIO
        self.err = streams.stderr.getvalue().decode()  # type: ignore[attr-defined]  # BytesIO
        assert not any(secret in f"{self.err}{self.out!r}" for secret in SECRETS)
        assert self.err.count("\n") == (1 if self.err else 0)


@contextmanager
def cloud(oss: Callable[[Asked], Answer]) -> Iterator[tuple[str, list[Asked]]]:
    """Serve leases and OSS; yield the vending server's address and what OSS was asked."""
    with serving(oss) as stage:
        body = lease_body(
            Endpoint=stage.url,
            Style="path",
            LastUpdated="2025-12-01T08:30:00Z",
            Expiration="2099-12-01T08:30:00Z",
            RefreshAfter="2099-12-01T08:00:00Z",
        )
        with serving(lambda _: json_answer(body)) as vending:
            yield vending.url, stage.asked


def status(code: int) -> Callable[[Asked], Answer]:
    return lambda _: Answer(code)


def refusing(code: str, number: int) -> Callable[[Asked], Answer]:
    return lambda _: Answer(number, {}, f"<Error><Code>{code}</Code></Error>".encode())


def test_get_into_a_file(tmp_path: Path) -> None:
    with cloud(lambda _: Answer(body=b"abc")) as (url, asked):
        run = Run(url, "get", "oss://examplebucket/users/alice/a b.csv", str(tmp_path / "x"))
    assert (run.code, run.out, run.err) == (0, b"", "")
    assert (tmp_path / "x").read_bytes() == b"abc"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert asked[0].target == "/examplebucket/users/alice/a%20b.csv"


def test_get_under_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with cloud(lambda _: Answer(body=b"abc")) as (url, _):
        assert Run(url, "get", "oss://examplebucket/users/report.csv").code == 0
        assert Run(url, "get", "oss://examplebucket/users/").code == 2
        assert Run(url, "get", "oss://examplebucket/users/..").code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_get_to_standard_output() -> None:
    with cloud(lambda _: Answer(body=b"abc")) as (url, _):
        assert Run(url, "get", "oss://examplebucket/k", "-").out == b"abc"


def test_a_broken_get_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with cloud(lambda _: Answer(body=b"a" * 300_000, length=400_000)) as (url, _):
        run = Run(url, "get", "oss://examplebucket/k", str(target))
    assert run.code == 1
    assert "100000 bytes" in run.err
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_get_keeps_permissions_and_links(tmp_path: Path) -> None:
    private, link, dangling = tmp_path / "private", tmp_path / "link", tmp_path / "dangling"
    private.touch(0o600)
    link.symlink_to("private")
    dangling.symlink_to("new")
    with cloud(lambda _: Answer(body=b"abc")) as (url, _):
        for target in (link, dangling, tmp_path / ("x" * 255)):
            assert Run(url, "get", "oss://examplebucket/k", str(target)).code == 0
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert private.read_bytes() == (tmp_path / "new").read_bytes() == b"abc"
    assert private.stat().st_mode & 0o777 == 0o600
    fresh = tmp_path / "fresh"
    fresh.touch()
    assert (tmp_path / "new").stat().st_mode == fresh.stat().st_mode


def test_a_file_is_private_until_it_is_whole(tmp_path: Path) -> None:
    with landing(str(tmp_path / "x")) as file:
        file.write(b"abc")
        (part,) = tmp_path.iterdir()
        assert part.stat().st_mode & 0o777 == 0o600


def test_get_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with cloud(lambda _: Answer(body=b"abc")) as (url, _):
        run = Run(url, "get", "oss://examplebucket/k", str(tmp_path / "no" / "x"))
    assert run.code == 1
    assert "No such file or directory" in run.err


def test_get_into_a_pipe_or_a_folder(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with cloud(lambda _: Answer(body=b"abc")) as (url, _), ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        assert Run(url, "get", "oss://examplebucket/k", str(pipe)).code == 0
        assert reading.result(10) == b"abc"
        run = Run(url, "get", "oss://examplebucket/k", str(tmp_path))
    assert pipe.is_fifo()
    assert (run.code, "Is a directory" in run.err) == (1, True)


def test_conditions(tmp_path: Path) -> None:
    when = "Mon, 01 Dec 2025 08:30:00 GMT"
    with cloud(status(304)) as (url, asked):
        run = Run(
            url,
            *("get", "oss://examplebucket/k", str(tmp_path / "x")),
            *("--if-match", '"1"', "--if-none-match", '"2"'),
            *("--if-modified-since", when, "--if-unmodified-since", when),
        )
    assert run.code == 3
    headers = asked[0].headers
    assert (headers["If-Match"], headers["If-None-Match"]) == ('"1"', '"2"')
    assert headers["If-Modified-Since"] == headers["If-Unmodified-Since"] == when
    assert list(tmp_path.iterdir()) == []


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


def test_put_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    with cloud(lambda _: Answer(headers={"ETag": '"5B3C"'})) as (url, asked):
        run = Run(url, "put", str(tmp_path / "x"), "oss://examplebucket/k", "--content-type", "a/b")
    assert (run.code, run.out) == (0, b'"5B3C"\n')
    assert asked[0].body == b"abc"
    assert asked[0].headers["Content-Type"] == "a/b"


def test_put_a_file_that_is_not_there(tmp_path: Path) -> None:
    with cloud(status(200)) as (url, asked):
        run = Run(url, "put", str(tmp_path / "x"), "oss://examplebucket/k")
    assert run.code == 1
    assert asked == []


def test_ls_tames_what_a_terminal_would_obey() -> None:
    with cloud(lambda _: Answer(body=LISTING)) as (url, asked):
        run = Run(url, "ls", "oss://examplebucket", "--folders")
    assert run.code == 0
    assert run.out.decode().splitlines() == [
        "2025-12-01T08:30:00Z              3 a\\x1b[2Jb",
        f"{'':36}folder/",
    ]
    assert "prefix=users%2Falice%2F" in asked[0].target
    assert "delimiter=%2F" in asked[0].target


def test_no_line_holds_what_a_terminal_would_obey(tmp_path: Path) -> None:
    with cloud(lambda _: Answer(headers={"ETag": '"\x1b[2J"'})) as (url, _):
        run = Run(url, "put", "-", "oss://examplebucket/k")
        assert run.out == b'"\\x1b[2J"\n'
        run = Run(url, "put", str(tmp_path / "\x1b[2J\udcff"), "oss://examplebucket/k")
        assert (run.code, "\\x1b[2J\\udcff" in run.err) == (1, True)


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


def test_rm() -> None:
    with cloud(status(204)) as (url, asked):
        assert Run(url, "rm", "oss://examplebucket/k").code == 0
    assert (asked[0].method, asked[0].target) == ("DELETE", "/examplebucket/k")


@pytest.mark.parametrize("name", ["k", "oss://", "oss:///k", "s3://examplebucket/k"])
def test_names_that_are_none(name: str) -> None:
    with cloud(status(200)) as (url, asked):
        assert Run(url, "rm", name).code == 2
        assert Run(url, "rm", "oss://other/k").code == 2
    assert asked == []


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
    with pytest.raises(SystemExit) as caught:
        main(argv, {})
    assert caught.value.code == 2
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
    with pytest.raises(SystemExit) as caught:
        main(argv, {})
    assert caught.value.code == 2
    capsys.readouterr()


def test_an_interrupt() -> None:
    class Interrupted(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    streams = Streams(Interrupted(b"abc"), io.BytesIO(), io.BytesIO())
    with cloud(status(200)) as (url, _):
        environ = {"OSS_STS_SERVER": url, "OSS_STS_GRANT": "g", "OSS_STS_TOKEN": BEARER}
        assert main(["put", "-", "oss://examplebucket/k"], environ, streams) == 130
