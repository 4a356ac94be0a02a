"""Progress: a bar on a terminal, lines elsewhere, nothing where it would disturb."""

import io
import subprocess
import sys

import pytest

from sts_client.cli import Streams
from sts_client.cli.progress import SECONDS, Lines, amount, moving
from sts_client.cli.report import Report
from tests.sts_client.cli.house import Terminal


def streams(err: io.BytesIO) -> Streams:
    return Streams(io.BytesIO(), io.BytesIO(), err)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2048 * 1024**4, "2048.0 TiB"),
    ],
)
def test_amounts(count: int, text: str) -> None:
    assert amount(count) == text


def test_a_line_every_few_seconds() -> None:
    now = 0.0
    err = io.BytesIO()
    lines = Lines(streams(err), "a\x1b[2Jb", 4096, lambda: now)
    lines.moved(1024)
    assert err.getvalue() == b""
    now = SECONDS
    lines.moved(1024)
    lines.moved(1024)
    assert err.getvalue() == b"a\\x1b[2Jb: 2.0 KiB of 4.0 KiB\n"


def test_a_bar_on_a_terminal() -> None:
    err = Terminal()
    with moving(Report(streams(err)), "[red]a[/red]\x1b[2J", 10) as moved:
        moved(10)
    said = err.getvalue().decode()
    assert "[red]a[/red]\\x1b[2J" in said
    assert "10/10 bytes" in said
    assert said.rstrip().endswith("\x1b[2K")  # wiped away: the result has a line of its own
    assert not err.closed


@pytest.mark.parametrize(
    "report", [Report(streams(Terminal()), as_json=True), Report(streams(Terminal()), quiet=True)]
)
def test_nothing_where_it_is_not_wanted(report: Report) -> None:
    with moving(report, "a", 10) as moved:
        moved(10)
    assert report.streams.stderr.getvalue() == b""  # type: ignore[attr-defined]  # BytesIO


def test_without_the_extra_there_are_lines_and_no_error() -> None:
    program = (
        "import io, sys\n"
        "sys.modules['rich'] = sys.modules['rich.console'] = sys.modules['shtab'] = None\n"
        "from sts_client.cli import Streams, main\n"
        "from sts_client.cli.progress import moving\n"
        "from sts_client.cli.report import Report\n"
        "class T(io.BytesIO):\n"
        "    def isatty(self): return True\n"
        "err = T()\n"
        "with moving(Report(Streams(err, err, err)), 'a', 10) as moved: moved(10)\n"
        "assert err.getvalue() == b''\n"
        "sys.exit(main(['completion', 'bash'], {}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr == b'sts-client: completion needs shtab: pip install "oss-sts[cli]"\n'
