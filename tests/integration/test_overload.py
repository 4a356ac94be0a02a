"""More peers than there are open files: the server says so, does not spin, and goes on."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.sts_server.parts import CONFIG, ENVIRON

TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def server(folder: Path, open_files: int) -> Iterator[tuple[str, subprocess.Popen[str], Path]]:
    """Run a server that may have so many open files."""
    config, log = folder / "sts-server.toml", folder / "log"
    config.write_text('[server]\nlisten = "127.0.0.1:0"\nmetrics_listen = "off"\n' + CONFIG)
    command = f"ulimit -n {open_files}; exec {sys.executable} -m sts_server serve --config {config}"
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=os.environ | ENVIRON,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# The first leaves room for what is no connection. The second is so low that accept itself fails.
@pytest.mark.parametrize(("open_files", "most"), [(200, 72), (40, 10)])
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_out_of_open_files(tmp_path: Path, open_files: int, most: int) -> None:
    with server(tmp_path, open_files) as (url, process, log), ExitStack() as opened:
        where = (urlsplit(url).hostname, urlsplit(url).port)
        for _ in range(300):
            opened.enter_context(socket.create_connection(where, timeout=10))
        time.sleep(0.5)
        before = cpu_seconds(process)
        time.sleep(2)
        assert cpu_seconds(process) - before < 0.5
        opened.close()
        for _ in range(50):
            try:
                if requests.get(f"{url}/healthz", timeout=10).status_code == 200:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.1)
        else:
            pytest.fail("it did not come back")
        said = log.read_text()
        assert f"at most {most} connections, not 1000" in said
        assert "Traceback" not in said
        assert len(said.splitlines()) <= 5  # with what a probe says
        assert ("cannot accept a connection: Too many open files" in said) is (open_files == 40)
