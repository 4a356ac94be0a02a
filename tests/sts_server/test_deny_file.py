"""The deny file: what it says counts at the next look, and what cannot be read stops everything."""

import logging
from pathlib import Path

import pytest

from sts_server.denials import EVERYTHING, Denials
from sts_server.deny_file import DenyFile
from sts_server.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deny.toml"
    path.write_text('callers = ["alice"]')
    return path


def replace(path: Path, text: str) -> None:
    """Replace a file whole, as editors do: a new file under the old name."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def test_a_change_counts_at_the_next_look(path: Path) -> None:
    denials = DenyFile(path)
    assert denials() == Denials(callers=frozenset({"alice"}))
    replace(path, 'callers = ["bobby"]')
    assert denials() == Denials(callers=frozenset({"bobby"}))
    replace(path, "grants = []")
    assert denials() == Denials()


def test_an_unchanged_file_is_not_read_again(path: Path) -> None:
    denials = DenyFile(path)
    assert denials() is denials()


@pytest.mark.parametrize(
    "text", ["callers = [", "everything = 1", "\x00", "", "a = " + "9" * 5000, "a = " + "[" * 5000]
)
def test_a_mistake_stops_everything_until_it_is_mended(
    path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    denials = DenyFile(path)
    replace(path, text)
    with caplog.at_level(logging.CRITICAL):
        assert denials() == EVERYTHING
    assert "nothing is vended until that is mended" in caplog.text
    replace(path, 'grants = ["uploads"]')
    assert denials() == Denials(grants=frozenset({"uploads"}))


def test_a_file_that_goes_away_stops_everything_until_it_is_back(path: Path) -> None:
    denials = DenyFile(path)
    path.unlink()
    assert denials() == EVERYTHING
    assert denials() == EVERYTHING
    path.write_text("callers = []")
    assert denials() == Denials()


def test_bytes_that_are_no_text_stop_everything(path: Path) -> None:
    denials = DenyFile(path)
    path.write_bytes(b"\xff\xfe")
    assert denials() == EVERYTHING


def test_the_server_does_not_start_without_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        DenyFile(tmp_path / "nowhere.toml")
