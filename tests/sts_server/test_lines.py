"""Lines: whole or refused, and never a wait."""

import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sts_server.lines import LineHandler, Lines


def test_lines_follow_each_other(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        lines = Lines(file.fileno())
        lines.write("one")
        lines.write("x" * 10_000)
        lines.write("three")
    assert (tmp_path / "log").read_text() == f"one\n{'x' * 10_000}\nthree\n"


def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait() -> None:
    reader, writer = os.pipe()
    lines = Lines(writer)
    for _ in range(os.fpathconf(writer, "PC_PIPE_BUF") * 16 // 4096):
        lines.write("x" * 4095)
    with pytest.raises(BlockingIOError):
        lines.write("one too many")
    os.close(reader)
    os.close(writer)


def test_a_line_that_did_not_fit_does_not_swallow_the_next(tmp_path: Path) -> None:
    # In a process of its own, whose files may only have 20 bytes until there is room again.
    code = (
        "import os, resource, signal, sys\n"
        "from sts_server.lines import Lines\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
        "lines = Lines(file)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    lines.write('a line of more than twenty bytes')\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "lines.write('next')\n"
    )
    path = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "No space left on device\n"
    assert path.read_text() == "a line of more than \nnext\n"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_logging_goes_on_where_nobody_reads() -> None:
    reader, writer = os.pipe()
    handler = LineHandler(Lines(writer))
    record = logging.makeLogRecord({"msg": "x" * 1000})
    for _ in range(200):
        handler.handle(record)
    assert os.read(reader, 5) == b"xxxxx"
    os.close(reader)
    handler.handle(record)
    os.close(writer)
