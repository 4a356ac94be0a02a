"""A file of secrets: closed to others, read again when it changes, never shown."""

import logging
import os
from pathlib import Path

import pytest

from sts_server.callers.secret_file import SecretFile
from sts_server.errors import ConfigError

PLACE = "callers.forwarded.secret_file"
FIRST, SECOND = "1" * 32, "2" * 32


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write anew, as whoever replaces a secret does: another file under the same name."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(mode)
    return new.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "secret", FIRST)


def opened(path: Path) -> SecretFile:
    return SecretFile(str(path), PLACE, shortest=32)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (FIRST, (FIRST,)),
        (f"{FIRST}\n", (FIRST,)),
        (f"{FIRST}\r\n", (FIRST,)),
        (f"{FIRST}\n{SECOND}\n", (FIRST, SECOND)),
        (f"\n{FIRST}\n\n", (FIRST,)),
    ],
)
def test_a_line_is_a_secret(path: Path, text: str, secrets: tuple[str, ...]) -> None:
    written(path, text)
    assert opened(path).secrets() == secrets


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_its_group_may_read_it(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert opened(path).secrets() == (FIRST,)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o620, 0o644, 0o660, 0o666, 0o777])
def test_a_file_that_is_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigError, match="open to other users of this machine: chmod 640"):
        opened(path)


@pytest.mark.parametrize(
    "text",
    ["", "\n", FIRST[:-1], f"{FIRST}\nshort", f"{FIRST} {SECOND}", f"{FIRST}\t", f" {FIRST}", "é" * 32, f"{FIRST}\0", FIRST * 1000],
)  # fmt: skip
def test_what_is_no_secret_is_refused_and_not_repeated(path: Path, text: str) -> None:
    written(path, text)
    with pytest.raises(ConfigError) as error:
        opened(path)
    (line,) = error.value.problems
    assert line.startswith(f"{PLACE}: ")
    assert "111" not in line


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in (("none", "cannot be read"), ("pipe", "no regular file"), ("", "cannot be")):
        with pytest.raises(ConfigError, match=f"{PLACE}: .*{why}"):
            opened(tmp_path / name)


def test_a_secret_is_replaced_without_a_restart(path: Path) -> None:
    file = opened(path)
    written(path, f"{FIRST}\n{SECOND}")
    assert file.secrets() == (FIRST, SECOND)
    written(path, SECOND)
    assert file.secrets() == (SECOND,)


@pytest.mark.parametrize("broken", ["missing", "short", "open"])
def test_while_it_cannot_be_used_it_holds_no_secret_and_the_log_says_why_once(
    path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = opened(path)
    with caplog.at_level(logging.ERROR):
        if broken == "missing":
            path.unlink()
        else:
            written(path, SECOND if broken == "open" else "short", 0o644)
        assert [file.secrets() for _ in range(3)] == [()] * 3
    assert caplog.text.count(f"{PLACE}: ") == 1
    assert SECOND not in caplog.text
    written(path, SECOND)
    assert file.secrets() == (SECOND,)


def test_it_shows_no_secret(path: Path) -> None:
    file = opened(path)
    assert FIRST not in f"{file!r} {file!s}"
