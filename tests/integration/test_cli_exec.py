"""exec: the official readers find the lease at the URI, whatever else lies in their way."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.house import KEYS, Server
from tests.integration.scripts import FOLDER
from tests.integration.shell import PROGRAM, home_of_traps, sts_client, surroundings

READER = """
import json, sys
from alibabacloud_credentials.client import Client
client = Client()
found = [client.get_credential() for _ in range(2)]
print(json.dumps([[it.get_access_key_id(), it.get_access_key_secret(), it.get_security_token(),
    it.get_provider_name()] for it in found]))
"""
WAITING = "import signal, time\nprint('ready', flush=True)\ntime.sleep(30)"


def lease_of(server: Server) -> list[str]:
    """Give what the server has for the same caller and grant just now: it is cached there."""
    body = server.lease(grant="everything")
    return [body["AccessKeyId"], body["AccessKeySecret"], body["SecurityToken"]]


def test_alibabacloud_credentials_in_a_home_of_traps(shared: Server, tmp_path: Path) -> None:
    done = sts_client(
        shared, "exec", "--", sys.executable, "-c", READER, environ=home_of_traps(tmp_path)
    )
    expected = [*lease_of(shared), "default/credential_uri"]
    assert json.loads(done.stdout) == [expected, expected]


def test_alicloud_credentials_in_node_in_a_home_of_traps(shared: Server, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("Node or its packages are missing; `make test` says how to get them")
    traps = home_of_traps(tmp_path)
    done = sts_client(shared, "exec", "--", node, "chain.mjs", environ=traps, cwd=FOLDER)
    names = ("accessKeyId", "accessKeySecret", "securityToken", "providerName")
    expected = dict(zip(names, [*lease_of(shared), "default/credential_uri"], strict=True))
    assert json.loads(done.stdout) == {"first": expected, "second": expected}


def test_the_traps_are_traps(tmp_path: Path) -> None:
    """Without exec each reader falls into one: else the tests above would prove nothing."""
    environ = {**os.environ, **home_of_traps(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", READER], env=environ, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)[0][0] == "LTAItrap"


def test_what_reaches_the_child(shared: Server) -> None:
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    done = sts_client(shared, "exec", "--", sys.executable, "-c", script, environ={"MINE": "1"})
    found = json.loads(done.stdout)
    assert found["MINE"] == "1"
    assert KEYS["alice"] not in done.stdout
    assert not [name for name in found if name.startswith("OSS_")]


def test_the_answer_is_the_servers_to_the_second(shared: Server) -> None:
    script = (
        "import os, urllib.request as u;"
        "print(u.urlopen(os.environ['ALIBABA_CLOUD_CREDENTIALS_URI']).read().decode())"
    )
    found = json.loads(sts_client(shared, "exec", "--", sys.executable, "-c", script).stdout)
    body = shared.lease(grant="everything")
    assert found == {name: body[name] for name in found}
    assert set(found) == {
        *("Code", "AccessKeyId", "AccessKeySecret"),
        *("SecurityToken", "Expiration", "LastUpdated"),
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["no-such-program"], 127),
        (["/"], 126),
        (["echo", "--json", "--", "--token", "x"], 0),
        ([], 2),
    ],
)
def test_exit_codes(shared: Server, words: list[str], code: int) -> None:
    assert sts_client(shared, "exec", "--", *words, check=False).returncode == code


def test_without_a_lease_nothing_is_started(shared: Server, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = sts_client(shared, "exec", "--", "touch", str(mark), grant="nothing", check=False)
    assert done.returncode == 5
    assert not mark.exists()


def test_input_and_output_are_the_childs(shared: Server) -> None:
    assert sts_client(shared, "exec", "--", "cat", input="abc").stdout == "abc"


def started(server: Server, program: str, **more: Any) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [*PROGRAM, "exec", "--", sys.executable, "-c", program],
        env=surroundings(server),
        stdout=subprocess.PIPE,
        text=True,
        **more,
    )
    assert process.stdout is not None
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(shared: Server, number: signal.Signals) -> None:
    program = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)"
    )
    process = started(shared, program)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 42


def test_a_child_that_does_not_catch_it_ends_by_it(shared: Server) -> None:
    process = started(shared, WAITING)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM


def test_nothing_is_held_back_or_ignored_in_the_child(shared: Server) -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("only Linux tells")
    done = sts_client(shared, "exec", "--", "grep", "Sig", str(status))
    found = dict(line.split(":\t") for line in done.stdout.splitlines())
    # The two behind 31 are those of the C library itself.
    masks = [int(found[name], 16) & 0x7FFF_FFFF for name in ("SigBlk", "SigIgn")]
    assert masks == [0, 0]


def test_the_uri_dies_with_the_child(shared: Server) -> None:
    script = "import os; print(os.environ['ALIBABA_CLOUD_CREDENTIALS_URI'])"
    address = sts_client(shared, "exec", "--", sys.executable, "-c", script).stdout.strip()
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)
