"""The command line on a terminal, and interrupted: bars for people, nothing half for anybody."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import Server
from tests.integration.shell import PROGRAM, sts_client, surroundings

SIZE = 48 * 1024 * 1024  # three parts


@dataclass
class Screen:
    """A terminal with a program on it, and all that it has shown."""

    terminal: int
    process: "subprocess.Popen[bytes]"
    shown: bytes = b""

    def read(self, until: Callable[[bytes], bool], seconds: float = 30) -> bytes:
        """Read until what is shown satisfies, or the program has ended."""
        end = time.monotonic() + seconds
        while not until(self.shown) and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    piece = os.read(self.terminal, 65536)
                except OSError:  # Linux says so when nobody has it open any more
                    break
                if not piece:
                    break
                self.shown += piece
        return self.shown

    def end(self) -> int:
        """Wait for the program; give its exit code."""
        self.read(lambda _: False)
        return self.process.wait(30)


# As a shell does: a session whose terminal this is. No fork here, where there may be threads.
ON_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def screen(server: Server, *argv: str) -> Iterator[Screen]:
    """Run one command on a terminal of its own."""
    terminal, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *PROGRAM, *argv],
        env=surroundings(server, TERM="xterm", COLUMNS="100", LINES="24"),
        stdin=there,
        stdout=there,
        stderr=there,
    )
    os.close(there)
    try:
        yield Screen(terminal, process)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


@pytest.fixture
def big(shared: Server, sandbox: Sandbox, tmp_path: Path) -> Iterator[str]:
    """An object in several parts, each of which takes a while."""
    (tmp_path / "source").write_bytes(os.urandom(1024) * (SIZE // 1024))
    name = f"oss://{sandbox.bucket}/users/alice/big"
    sts_client(shared, "put", str(tmp_path / "source"), name)
    yield name
    sandbox.clear_faults()


def text(shown: bytes) -> str:
    """Give what is shown without what a terminal acts on."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="replace"))


def test_a_bar_on_a_terminal(shared: Server, sandbox: Sandbox, big: str, tmp_path: Path) -> None:
    sandbox.fault(operation="GetObject", latency=0.4)
    target = tmp_path / "x"
    with screen(shared, "get", big, str(target)) as found:
        assert found.end() == 0
    said = text(found.shown)
    assert "users/alice/big" in said
    assert re.search(r"\d+\.\d/48\.0 MiB", said)
    assert said.rstrip().endswith(f"{big} -> {target} (48.0 MiB)")
    assert found.shown.count(b"\x1b[?25l") == found.shown.count(b"\x1b[?25h")  # the cursor is back
    assert target.stat().st_size == SIZE


def test_no_bar_elsewhere(shared: Server, big: str, tmp_path: Path) -> None:
    done = sts_client(shared, "get", big, str(tmp_path / "x"))
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)


def test_secrets_stay_off_the_terminal(shared: Server) -> None:
    with screen(shared, "credentials") as found:
        assert found.end() == 2
    assert "--show" in text(found.shown)
    assert shared.lease(grant="everything")["AccessKeySecret"] not in text(found.shown)


def test_ctrl_c_leaves_no_half_file(
    shared: Server, sandbox: Sandbox, big: str, tmp_path: Path
) -> None:
    sandbox.fault(operation="GetObject", latency=2.0)
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with screen(shared, "get", big, str(target)) as found:
        found.read(lambda shown: b"/48.0" in shown)
        os.write(found.terminal, b"\x03")
        assert found.end() == 130
    assert target.read_bytes() == b"old"
    assert b"Traceback" not in found.shown
    assert found.shown.count(b"\x1b[?25l") == found.shown.count(b"\x1b[?25h")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_upload_that_is_ended_leaves_no_part(
    shared: Server, sandbox: Sandbox, big: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert big
    sandbox.fault(operation="UploadPart", latency=1.0)
    name = f"oss://{sandbox.bucket}/users/alice/ended-{code}"
    before = len(seen(sandbox, "AbortMultipartUpload"))
    process = subprocess.Popen(
        [*PROGRAM, "--json", "put", str(tmp_path / "source"), name],
        env=surroundings(shared),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    started = len(seen(sandbox, "InitiateMultipartUpload"))
    while len(seen(sandbox, "InitiateMultipartUpload")) == started and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == ""
    assert json.loads(err)["exit"] == code
    assert len(seen(sandbox, "AbortMultipartUpload")) == before + 1
    assert sts_client(shared, "ls", name).stdout == ""


def seen(sandbox: Sandbox, operation: str) -> list[object]:
    """Give the requests of one operation that the sandbox has answered."""
    return [each for each in sandbox.requests() if each["operation"] == operation]


def test_a_key_of_the_terminal_reaches_the_child_of_exec_once(shared: Server) -> None:
    program = (
        "import signal, sys, time\n"
        "count = 0\n"
        "def on(*_):\n"
        "    global count\n"
        "    count += 1\n"
        "signal.signal(signal.SIGINT, on)\n"
        "print('ready', sys.stdin.isatty(), sys.stdout.isatty(), flush=True)\n"
        "end = time.monotonic() + 20\n"
        "while not count and time.monotonic() < end: time.sleep(0.02)\n"
        "time.sleep(0.3)\n"
        "print('count', count)\n"
    )
    with screen(shared, "exec", "--", sys.executable, "-c", program) as found:
        found.read(lambda shown: b"ready True True" in shown)
        os.write(found.terminal, b"\x03")
        assert found.end() == 0
    assert "count 1" in text(found.shown)
