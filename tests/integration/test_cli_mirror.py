"""mirror, down and up, as a program of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.house import Server
from tests.integration.shell import sts_client

PREFIX = "oss://examplebucket/users/alice/mirrored/"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("bb")
    return folder


def mirror(server: Server, *argv: str) -> list[dict[str, Any]]:
    said = sts_client(server, "mirror", "--json", *argv).stdout
    return [json.loads(line) for line in said.splitlines()]


def test_up_and_down_again(shared: Server, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert mirror(shared, str(source), PREFIX, "--dry-run")[-1]["dry_run"] is True
    assert sts_client(shared, "ls", PREFIX).stdout == ""
    *names, last = mirror(shared, str(source), PREFIX)
    assert {(each["name"], each["outcome"]) for each in names} == {
        ("a.txt", "moved"),
        ("sub/b.txt", "moved"),
    }
    assert (last["summary"]["moved"], last["summary"]["moved_bytes"]) == (2, 3)
    mirror(shared, PREFIX, str(target))
    assert (target / "sub" / "b.txt").read_text() == "bb"
    (source / "a.txt").unlink()
    assert mirror(shared, str(source), PREFIX, "--delete")[-1]["summary"]["deleted"] == 1
    said = sts_client(shared, "mirror", PREFIX, str(target), "--delete").stdout.splitlines()
    assert said == [
        "deleted  a.txt",
        "0 moved (0 bytes), 1 deleted, 1 unchanged, 0 skipped, 0 refused, 0 failed",
    ]
    sts_client(shared, "rm", f"{PREFIX}sub/b.txt")


def test_names_that_would_lead_out(shared: Server, source: Path, tmp_path: Path) -> None:
    name = f"{PREFIX}../out.txt"
    sts_client(shared, "put", str(source / "a.txt"), name)
    target = tmp_path / "inside" / "target"
    done = sts_client(shared, "mirror", PREFIX, str(target), "--quiet", check=False)
    sts_client(shared, "rm", name)
    assert done.returncode == 1
    assert done.stdout.startswith("refused  ../out.txt: ")
    assert not (tmp_path / "inside" / "out.txt").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ("a", "b"),
        (PREFIX, PREFIX),
        (PREFIX, "b", "--forbid-overwrite"),
        (PREFIX.rstrip("/"), "b"),
        ("b", "oss://other/users/alice/"),
    ],
)
def test_wrong_usage(shared: Server, argv: tuple[str, ...]) -> None:
    done = sts_client(shared, "mirror", *argv, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
