"""get, put, ls and rm from the inside: arguments, environment and streams in, exit code out."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sts_client.transfer.landing import landing
from tests.sts_client.cli.house import LISTING, Run, cloud, status
from tests.sts_client.stage import Answer


def test_get_into_a_file(tmp_path: Path) -> None:
    with cloud(lambda _: Answer(body=b"abc")) as (url, asked):
        run = Run(url, "get", "oss://examplebucket/users/alice/a b.csv", str(tmp_path / "x"))
    assert (run.code, run.err) == (0, "")
    assert (
        run.out.decode() == f"oss://examplebucket/users/alice/a b.csv -> {tmp_path}/x (3 bytes)\n"
    )
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


def test_results_as_json(tmp_path: Path) -> None:
    target = str(tmp_path / "x")
    with cloud(lambda _: Answer(body=b"abc", headers={"ETag": '"5B3C"'})) as (url, _):
        got = json.loads(Run(url, "--json", "get", "oss://examplebucket/k", target).out)
        put = json.loads(Run(url, "--json", "put", target, "oss://examplebucket/k").out)
        rm = json.loads(Run(url, "rm", "oss://examplebucket/k", "--json").out)
        # The object has standard output for itself, so what is said of it goes beside it.
        run = Run(url, "--json", "get", "oss://examplebucket/k", "-")
    assert got == {
        "object": "oss://examplebucket/k",
        "file": target,
        "etag": '"5B3C"',
        "size": 3,
        "transferred": True,
    }
    assert put["etag"] == '"5B3C"'
    assert rm == {"object": "oss://examplebucket/k", "deleted": True}
    assert (run.out, json.loads(run.err)["size"]) == (b"abc", 3)


def test_a_listing_as_json() -> None:
    with cloud(lambda _: Answer(body=LISTING)) as (url, _):
        lines = Run(url, "ls", "oss://examplebucket", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "key": "a\x1b[2Jb",
            "size": 3,
            "last_modified": "2025-12-01T08:30:00Z",
            "etag": '"5B3C"',
        },
        {"prefix": "folder/"},
    ]
    assert b"\x1b" not in lines[0]


def test_put_from_a_pipe_that_has_a_name(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with cloud(status(200)) as (url, asked), ThreadPoolExecutor(1) as pool:
        pool.submit(pipe.write_bytes, b"abc")
        assert Run(url, "put", str(pipe), "oss://examplebucket/k").code == 0
    assert asked[0].body == b"abc"


def test_url() -> None:
    with cloud(status(200)) as (url, asked):
        run = Run(url, "url", "oss://examplebucket/k", "--seconds", "60", secrets=False)
        assert Run(url, "url", "oss://examplebucket/k", "--seconds", "0").code == 2
        said = json.loads(Run(url, "url", "oss://examplebucket/k", "--json", secrets=False).out)
    assert b"/examplebucket/k?" in run.out
    assert b"x-oss-expires=60" in run.out
    assert re.fullmatch(r"good until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", run.err)
    assert set(said) == {"url", "expires"}
    assert asked == []
