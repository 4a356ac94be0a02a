"""The command line as a person uses it: real processes, exit codes, one line for each mistake."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from sts_server.callers.api_keys import digest
from tests.sts_server.parts import ALICE_KEY, CONFIG, ENVIRON, OWN_SECRET, TEAM

SERVED = '[server]\nmetrics_listen = "127.0.0.1:0"\n' + CONFIG.replace(
    "[sts]", '[sts]\nendpoint = "http://127.0.0.1:1"'
)
"""The usual configuration for a server that runs beside others, with an STS that is nowhere."""

SERVER = [sys.executable, "-m", "sts_server"]


def run(*words: str | Path, environ: dict[str, str] = ENVIRON) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SERVER, *words],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sts-server.toml"
    path.write_text(SERVED)
    return path


@contextmanager
def serving(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `sts-server serve` until it is ready: the process and the lines it printed."""
    process = subprocess.Popen(
        [*SERVER, "serve", *words],
        env=os.environ | ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        assert ready, process.communicate()[1]
        yield process, [ready]
    finally:
        process.kill()
        process.communicate()


# check


def test_check_reads_the_configuration_back(config: Path) -> None:
    done = run("check", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "uploads: * may get, put, list in users/{caller}/ for 3600 s" in done.stdout
    assert "staff-only: group staff may get in staff/" in done.stdout


def test_check_names_every_mistake_and_leaves_with_2(config: Path) -> None:
    config.write_text(
        CONFIG.replace('"examplebucket"', '"Example"')
        .replace('"users/{caller}/"', '"users/*/"')
        .replace("[sts]", "[sts]\nmax_calls = 0")
    )
    done = run("check", "--config", config)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in lines] == [
        "oss.bucket",
        "sts.max_calls",
        "grants[0].prefix (uploads)",
    ]
    assert done.stdout == ""


def test_serve_refuses_the_same_mistakes(config: Path) -> None:
    config.write_text(CONFIG.replace('"examplebucket"', '"Example"'))
    done = run("serve", "--config", config)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_policy_that_can_be_too_long_is_a_mistake(config: Path) -> None:
    config.write_text(CONFIG.replace("users/{caller}/", "x" * 900 + "/{caller}/"))
    done = run("check", "--config", config)
    assert done.returncode == 2
    assert "grants (uploads): prefix is too long" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"\xff", "not UTF-8"), (b"[oss\n", "not TOML")]
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "other.toml"
    if content is not None:
        path.write_bytes(content)
    done = run("check", "--config", path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr


def test_a_missing_key_of_our_own_is_named(config: Path) -> None:
    half = {**ENVIRON, "ALIBABA_CLOUD_ACCESS_KEY_ID": ""}
    done = run("serve", "--config", config, environ=half)
    assert done.returncode == 2
    assert "environment: ALIBABA_CLOUD_ACCESS_KEY_ID is not set" in done.stderr
    # A configuration can be checked where the key is not.
    done = run("check", "--config", config, environ=half)
    assert done.returncode == 0
    assert "to serve it here: ALIBABA_CLOUD_ACCESS_KEY_ID is not set" in done.stdout


FILES = """
[callers.forwarded]
networks = ["127.0.0.1"]
secret_file = "none/secret"
id_prefix = "proxy:"
[callers.webhook]
url = "http://127.0.0.1:1/"
auth_file = "none/auth"
ca_file = "none/ca"
id_prefix = "login:"
[[callers.oidc]]
issuer = "https://a.example"
audience = ["oss-sts"]
id_prefix = "a:"
jwks_file = "none/jwks"
[[callers.oidc]]
issuer = "https://b.example"
audience = ["oss-sts"]
id_prefix = "b:"
ca_file = "none/ca"
bearer_file = "none/bearer"
"""


@pytest.mark.parametrize("command", ["check", "serve"])
def test_every_file_that_is_missing_is_named_at_once(config: Path, command: str) -> None:
    named = '[server]\naudit = "none/audit"\ndeny_file = "none/deny"'
    config.write_text(SERVED.replace("[server]", named) + FILES)
    done = run(command, "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    for setting, path in [
        ("server.audit", "none/audit"),
        ("server.deny_file", "none/deny"),
        ("callers.forwarded.secret_file", "none/secret"),
        ("callers.webhook.auth_file", "none/auth"),
        ("callers.webhook.ca_file", "none/ca"),
        ("callers.oidc[0].jwks_file", "none/jwks"),
        ("callers.oidc[1].ca_file", "none/ca"),
        ("callers.oidc[1].bearer_file", "none/bearer"),
    ]:
        (line,) = [it for it in done.stderr.splitlines() if f" {setting}: " in it]
        assert path in line
        assert line.endswith("No such file or directory")
    assert len(done.stderr.splitlines()) == 8


def test_check_makes_no_audit_log_and_names_one_that_could_not_be(config: Path) -> None:
    def checked(audit: Path) -> subprocess.CompletedProcess[str]:
        config.write_text(SERVED.replace("[server]", f'[server]\naudit = "{audit}"'))
        return run("check", "--config", config)

    assert checked(config.parent / "audit").returncode == 0
    assert not (config.parent / "audit").exists()
    assert "Is a directory" in checked(config.parent).stderr


def test_check_names_a_folder_without_a_page(config: Path) -> None:
    page = f'page = "{config.parent}"\npage_sdk = "https://static.example.com/ali-oss.js"'
    config.write_text(SERVED.replace("[server]", f"[server]\n{page}"))
    done = run("check", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert "server.page: index.html cannot be read: No such file" in done.stderr
    config.write_text(config.read_text().replace(f'page = "{config.parent}"', "page = true"))
    assert run("check", "--config", config).returncode == 0


def test_without_any_key_of_our_own_every_place_is_named(config: Path) -> None:
    nothing = {
        **dict.fromkeys(ENVIRON, ""),
        "HOME": str(config.parent),
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    }
    done = run("serve", "--config", config, environ=nothing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "sts-server: environment: no key of our own: ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set; looked in vain in the CLI's profiles "
        "(no such file or directory), the SDKs' profiles (no such file or directory)\n"
    )
    done = run("check", "--config", config, environ=nothing)
    assert done.returncode == 0
    assert "no key of our own in the environment" in done.stdout


def test_no_callers_no_server(config: Path) -> None:
    config.write_text(CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :])
    done = run("serve", "--config", config)
    assert done.returncode == 2
    assert "nobody can prove who they are" in done.stderr
    for way in ("api_key", "oidc", "forwarded", "webhook"):
        assert f"callers.{way}]" in done.stderr
    assert "--insecure-dev" in done.stderr
    assert run("check", "--config", config, "--insecure-dev").returncode == 0
    config.write_text(CONFIG)
    assert run("check", "--config", config, "--insecure-dev").returncode == 2


def test_check_warns_of_a_key_that_is_over(config: Path) -> None:
    old, new = (re.findall(r'"([0-9a-f]{64})"', SERVED))[:2]
    told = SERVED.replace(f'"{old}"', f'{{ digest = "{old}", expires = 2020-01-01T00:00:00Z }}')
    told = told.replace(f'"{new}"', f'{{ digest = "{new}", expires = 2999-01-01T00:00:00Z }}')
    config.write_text(told)
    done = run("check", "--config", config)
    assert done.returncode == 0
    assert done.stdout.count("warning") == 1
    assert "warning: api_key alice: sha256[0] is over" in done.stdout


@pytest.mark.parametrize(
    "words", [(), ("serve",), ("serve", "--config", "a", "--sandbox"), ("fly",)]
)
def test_wrong_usage_leaves_with_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "usage: sts-server" in done.stderr


def test_check_says_which_claims_and_which_grants_meet_by_a_name(config: Path) -> None:
    config.write_text(CONFIG + TEAM)
    done = run("check", "--config", config)
    assert done.returncode == 0
    assert (
        "  team: alice or group staff or claim team=a|b and claim role=x may get, list in "
        "users/{claim.team}/ for 3600 s or less (policy: at most 397 of 2048)\n"
    ) in done.stdout
    assert "warning: uploads and team: users/{caller}/ and users/{claim.team}/" in done.stdout
    assert done.stdout.count("warning") == 1


def test_a_policy_that_a_claim_can_make_too_long_is_a_mistake(config: Path) -> None:
    deep = "x" * 280 + "/{claim.a}/{claim.b}/{claim.c}/{claim.d}/{claim.e}/{claim.f}/{claim.g}/"
    config.write_text(CONFIG + TEAM.replace("users/{claim.team}/", deep))
    assert run("check", "--config", config).returncode == 0
    config.write_text(CONFIG + TEAM.replace("users/{claim.team}/", "x" * 200 + deep))
    done = run("check", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert "grants (team): prefix is too long" in done.stderr


# policy, explain


def test_what_would_be_refused_leaves_with_5(config: Path) -> None:
    asked = ("explain", "--config", config, "--caller", "alice", "--grant", "uploads", "put")
    assert run(*asked, "users/alice/x").returncode == 0
    done = run(*asked, "users/bob/x")
    assert (done.returncode, done.stderr) == (5, "")
    assert run("policy", "--config", config, "--caller", "bob").returncode == 0
    done = run("policy", "--config", config, "--grant", "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "sts-server: --grant: there is no such grant; there are uploads, staff-only\n"
    )


# new-key


def test_new_key_shows_the_key_once_and_prints_lines_that_work() -> None:
    done = run("new-key", "alice")
    key = re.findall(r"osk_[A-Za-z0-9_-]{43}", done.stderr)[0]
    (table,) = tomllib.loads(done.stdout)["callers"]["api_key"]
    assert table == {"id": "alice", "sha256": [digest(key)]}
    assert key not in done.stdout


@pytest.mark.parametrize("name", ["..", "a/b", 'a"b', ""])
def test_a_name_that_could_not_stand_in_a_prefix_gets_no_key(name: str) -> None:
    done = run("new-key", name)
    assert (done.returncode, done.stdout) == (2, "")


# serve


def test_metrics_have_an_address_of_their_own(config: Path) -> None:
    with serving("--config", config, "--listen", "127.0.0.1:0") as (_, lines):
        told = json.loads(lines[0])
        assert "sts_server_build_info" in requests.get(told["metrics_url"], timeout=10).text
        assert requests.get(f"{told['url']}/metrics", timeout=10).status_code == 404


def test_metrics_can_be_off(config: Path) -> None:
    config.write_text(SERVED.replace("127.0.0.1:0", "off"))
    with serving("--config", config, "--listen", "127.0.0.1:0") as (_, lines):
        assert list(json.loads(lines[0])) == ["url"]


def test_a_metrics_port_in_use_is_one_line_that_names_the_setting(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(SERVED.replace("127.0.0.1:0", address))
        done = run("serve", "--config", config, "--listen", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"sts-server: server.metrics_listen: cannot listen on {address}: Address already in use\n"
    )


def test_metrics_hold_up_no_end(config: Path) -> None:
    with serving("--config", config, "--listen", "127.0.0.1:0") as (process, lines):
        host, port = json.loads(lines[0])["metrics_url"].split("/")[2].split(":")
        with (
            socket.create_connection((host, int(port))) as half,
            socket.create_connection((host, int(port))) as idle,
        ):
            half.sendall(b"GET /metrics HTTP/1.1\r\n")
            idle.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert idle.recv(1000).startswith(b"HTTP/1.1 200")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def test_it_says_when_it_is_ready_and_ends_in_peace(config: Path) -> None:
    for sign in (signal.SIGTERM, signal.SIGINT):
        with serving("--config", config, "--listen", "127.0.0.1:0") as (process, lines):
            url = json.loads(lines[0])["url"]
            assert requests.get(f"{url}/healthz", timeout=10).json() == {"status": "alive"}
            process.send_signal(sign)
            out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (0, "")
            # What the probe says of an STS that is nowhere.
            assert re.fullmatch(r"(WARNING sts_server\.probe: .*\n)?", err)


def test_a_port_in_use_is_one_line(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--config", config, "--listen", address)
    assert done.returncode == 1
    assert done.stderr == f"sts-server: cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize(
    "listen",
    ["8000", ":8000", "*:8000", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "::1:80"],
)
def test_an_address_that_is_none_is_one_line(config: Path, listen: str) -> None:
    done = run("serve", "--config", config, "--listen", listen)
    assert done.returncode == 2
    assert "argument --listen: must be an address and a port like 127.0.0.1:8000" in done.stderr


def test_a_dead_sts_is_503_for_the_caller_and_a_line_for_the_operator(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config.write_text(SERVED.replace("http://127.0.0.1:1", f"http://127.0.0.1:{port}"))
    with serving("--config", config, "--listen", "127.0.0.1:0") as (process, lines):
        url = json.loads(lines[0])["url"]
        for _ in range(2):
            answer = requests.get(
                f"{url}/v1/credentials/uploads",
                headers={"Authorization": f"Bearer {ALICE_KEY}"},
                timeout=30,
            )
            assert (answer.status_code, answer.json()["Code"]) == (503, "UpstreamUnavailable")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert err.count("ERROR sts_server.vending: AssumeRole for alice-") == 2
    assert f"ready, but the probe failed: UpstreamUnavailable: http://127.0.0.1:{port}" in err
    assert err.count(f"UpstreamUnavailable: http://127.0.0.1:{port}: nobody listens there") == 3
    assert err.count('"outcome":"refused"') == 2
    assert OWN_SECRET not in err
    assert ALICE_KEY not in err


@pytest.mark.parametrize("days", [1, 90, 3650])
def test_a_key_can_be_made_to_end(days: int) -> None:
    done = run("new-key", "alice", "--days", str(days))
    (caller,) = tomllib.loads(done.stdout)["callers"]["api_key"]
    (key,) = caller["sha256"]
    assert digest(done.stderr.splitlines()[-1]) == key["digest"]
    left = key["expires"] - datetime.now(UTC)
    assert timedelta(days=days, seconds=-90) < left <= timedelta(days=days)


@pytest.mark.parametrize("days", ["0", "-1", "3651", "1.5", "x", "", "٣", "99999"])
def test_a_key_ends_in_whole_days(days: str) -> None:
    done = run("new-key", "alice", "--days", days)
    assert (done.returncode, done.stdout) == (2, "")


def test_lines_of_new_key_can_be_appended_to_any_file(config: Path) -> None:
    config.write_text(CONFIG.rstrip("\n") + "\nduration = 900")
    for words in (["carol"], ["dave", "--days", "90"]):
        config.write_text(config.read_text() + run("new-key", *words).stdout)
    assert run("check", "--config", config).returncode == 0


def test_a_full_disk_is_one_line_and_costs_no_key() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SERVER, "new-key", "alice"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "sts-server: cannot write: No space left on device\n"


def test_a_missing_ca_bundle_is_found_at_the_start(config: Path) -> None:
    done = run(
        "serve", "--config", config, environ={**ENVIRON, "ALIBABA_CLOUD_CA_BUNDLE": "/nowhere"}
    )
    assert (done.returncode, done.stderr) == (
        2,
        (
            "sts-server: environment: ALIBABA_CLOUD_CA_BUNDLE or REQUESTS_CA_BUNDLE names /nowhere, "
            "which does not exist\n"
        ),
    )


def test_a_secret_that_others_may_read_is_found_at_the_start(config: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 32)
    secret.chmod(0o644)
    table = f'[callers.forwarded]\nnetworks = ["::1"]\nsecret_file = "{secret}"\nid_prefix = "p:"\n'
    config.write_text(CONFIG + table)
    done = run("serve", "--config", config)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(
        f"sts-server: callers.forwarded.secret_file: {secret}: is open to other"
    )
    assert "sss" not in done.stderr


def test_a_closed_standard_error_is_no_audit_log(config: Path) -> None:
    command = " ".join(
        [*SERVER, "serve", "--listen", "127.0.0.1:0", "--config", str(config), "2>&-"]
    )
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=os.environ | ENVIRON, check=False, timeout=60
    )
    assert done.returncode == 2


def test_a_log_that_nobody_reads_stops_no_server(config: Path) -> None:
    with serving("--config", config, "--listen", "127.0.0.1:0") as (process, lines):
        url = json.loads(lines[0])["url"]
        # Far more refusals, each with its audit line, than a pipe takes.
        statuses = {
            requests.get(f"{url}/v1/credentials/x", timeout=10).status_code for _ in range(600)
        }
        assert statuses == {401, 500}
        assert requests.get(f"{url}/healthz", timeout=10).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_an_audit_log_that_does_not_open_is_one_line(config: Path) -> None:
    config.write_text(SERVED.replace("[server]", '[server]\naudit = "/nowhere/audit.jsonl"'))
    done = run("serve", "--config", config)
    assert (done.returncode, done.stderr) == (
        2,
        "sts-server: server.audit: /nowhere/audit.jsonl: cannot be opened: No such file or directory\n",
    )


def test_a_missing_extra_is_one_line_that_names_it() -> None:
    # Run without site-packages, as in an installation that has nothing but this package.
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import runpy; runpy.run_module('sts_server', run_name='__main__')"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root, "check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert 'pip install "oss-sts[server]"' in done.stderr


# --insecure-dev

NOBODY = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]


def test_insecure_dev_asks_nobody_and_says_so_loudly(config: Path) -> None:
    config.write_text('[server]\nmetrics_listen = "127.0.0.1:0"\n' + NOBODY)
    words = ("--config", config, "--insecure-dev", "--listen", "127.0.0.1:0")
    with serving(*words) as (process, lines):
        url = json.loads(lines[0])["url"]
        assert requests.get(f"{url}/healthz", timeout=10).status_code == 200
        evil = {"Host": "evil.example"}
        assert requests.get(f"{url}/healthz", headers=evil, timeout=10).status_code == 421
        process.send_signal(signal.SIGHUP)  # what a reload brings is as open, and as closed
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert "INSECURE" in err.splitlines()[0]
    assert "nobody can prove" not in err


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_insecure_dev_wants_loopback(config: Path, listen: str) -> None:
    config.write_text(NOBODY)
    for words in (["--listen", listen], []):
        if not words:
            config.write_text(f'[server]\nlisten = "{listen}"\n{NOBODY}')
        done = run("serve", "--config", config, "--insecure-dev", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is not on loopback" in done.stderr


def test_insecure_dev_is_not_for_a_server_with_callers(config: Path) -> None:
    done = run("serve", "--config", config, "--insecure-dev")
    assert done.returncode == 2
    assert "leave one of the two out" in done.stderr


def test_insecure_dev_needs_no_sandbox_key() -> None:
    done = run("serve", "--sandbox", "--insecure-dev")
    assert done.returncode == 2
    assert "--sandbox makes a key" in done.stderr
