"""Settings and denials change while the server runs: at once, and all of them or none."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sts_server.callers.api_keys import digest
from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS, Server, vending_server

CAROL_KEY = "osk_" + "c" * 43
CAROL = f"""
[[callers.api_key]]
id = "carol"
sha256 = ["{digest(CAROL_KEY)}"]
"""


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> Iterator[Server]:
    deny = tmp_path / "deny.toml"
    deny.write_text("callers = []")
    text = CONFIG.replace("[server]", f'[server]\ndeny_file = "{deny}"')
    with vending_server(sandbox, tmp_path, text) as server:
        yield server


def reload(server: Server, seconds: float = 10) -> str:
    """Send SIGHUP, and give what the server says of it."""
    before = len(server.log())
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if "taken" in (said := server.log()[before:]):
            return said
        time.sleep(0.01)
    raise AssertionError(f"no word of a reload: {server.log()}")


def status(server: Server, key: str, grant: str = "uploads") -> tuple[int, str]:
    answer = requests.get(
        f"{server.url}/v1/credentials/{grant}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    return answer.status_code, answer.json()["Code"]


def test_a_new_caller_comes_and_an_old_one_goes(server: Server) -> None:
    kept = server.lease("alice")["AccessKeyId"]
    text = server.config_path.read_text()
    without_bob = text.replace(digest(KEYS["bob"]), "b" * 64)
    server.config_path.write_text(without_bob + CAROL)
    assert "is taken" in reload(server)
    assert status(server, CAROL_KEY) == (200, "Success")
    assert status(server, KEYS["bob"]) == (401, "Unauthenticated")
    # What STS gave before is still known: a reload is no reason to ask it again.
    assert server.lease("alice")["AccessKeyId"] == kept


def test_a_narrower_grant_counts_at_once(server: Server) -> None:
    assert server.lease("alice")["Lease"]["Actions"] == ["get", "put", "list"]
    text = server.config_path.read_text()
    server.config_path.write_text(text.replace('["get", "put", "list"]', '["get"]', 1))
    reload(server)
    assert server.lease("alice")["Lease"]["Actions"] == ["get"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[oss]", "[oss", "not TOML"),
        ('bucket = "', 'bucket = "NO', "oss.bucket: must be"),
        ('listen = "127.0.0.1:0"', 'listen = "127.0.0.1:1"', "server.listen: cannot change"),
        (
            'metrics_listen = "127.0.0.1:0"',
            'metrics_listen = "off"',
            "server.metrics_listen: cannot",
        ),
        ('deny_file = "', 'deny_file = "/nowhere', "deny file /nowhere"),
    ],
)
def test_a_mistake_changes_nothing_and_is_named(
    server: Server, old: str, new: str, told: str
) -> None:
    text = server.config_path.read_text()
    server.config_path.write_text(text.replace(old, new, 1) + CAROL)
    said = reload(server)
    assert "is not taken, the settings stay" in said
    assert told in said
    assert "Traceback" not in said
    assert status(server, CAROL_KEY)[0] == 401
    assert status(server, KEYS["alice"])[0] == 200
    server.config_path.write_text(text + CAROL)
    assert "is taken" in reload(server)
    assert status(server, CAROL_KEY)[0] == 200


def test_no_ask_is_lost_while_settings_change_again_and_again(server: Server) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.get(
                    f"{server.url}/v1/credentials/uploads",
                    headers={"Authorization": f"Bearer {KEYS['alice']}"},
                    timeout=30,
                )
                statuses.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert "is taken" in reload(server)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert len(server.audit()) == len(statuses)


def test_whoever_is_denied_gets_nothing_more_at_once(server: Server, tmp_path: Path) -> None:
    deny = tmp_path / "deny.toml"
    assert status(server, KEYS["alice"])[0] == 200
    deny.write_text('callers = ["alice"]\ngrants = ["everything"]')
    assert status(server, KEYS["alice"]) == (403, "CallerNotAllowed")
    assert status(server, KEYS["bob"]) == (200, "Success")
    deny.write_text("everything = true")
    assert status(server, KEYS["bob"]) == (403, "CallerNotAllowed")
    # A stranger does not learn that everything is stopped.
    assert status(server, "osk_" + "x" * 43) == (401, "Unauthenticated")
    deny.write_text("everything = tru")
    assert status(server, KEYS["bob"]) == (403, "CallerNotAllowed")
    deny.write_text('grants = ["everything"]')
    assert status(server, KEYS["alice"], "everything") == (403, "GrantDenied")
    assert status(server, KEYS["alice"]) == (200, "Success")


def test_what_is_denied_while_sts_is_asked_is_not_handed_out(
    server: Server, sandbox: Sandbox, tmp_path: Path
) -> None:
    answers: list[tuple[int, str]] = []
    sandbox.fault(service="sts", latency=1.5)
    try:
        asking = threading.Thread(target=lambda: answers.append(status(server, KEYS["alice"])))
        asking.start()
        time.sleep(0.5)
        (tmp_path / "deny.toml").write_text('callers = ["alice"]')
        asking.join()
    finally:
        sandbox.clear_faults()
    assert answers == [(403, "CallerNotAllowed")]


def test_a_reload_before_it_is_ready_does_not_end_it(server: Server, sandbox: Sandbox) -> None:
    other_config = server.config_path.with_name("other.toml")
    other_config.write_text(server.config_path.read_text())
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.access_key_secret,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "sts_server", "serve", "--config", other_config],
        env=os.environ | keys,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        # Python itself begins with SIGHUP as whoever started it has left it.
        end = time.monotonic() + 10
        while not ignores_hangup(other.pid) and time.monotonic() < end:
            time.sleep(0.01)
        other.send_signal(signal.SIGHUP)
        assert other.stdout is not None
        assert '"url"' in other.stdout.readline()
        other.terminate()
    assert other.returncode == 0


def ignores_hangup(pid: int) -> bool:
    """Look at the signals that a process ignores (proc(5), SigIgn)."""
    (line,) = (
        it for it in Path(f"/proc/{pid}/status").read_text().splitlines() if it.startswith("SigIgn")
    )
    return bool(int(line.split()[1], 16) & 1 << (signal.SIGHUP - 1))
