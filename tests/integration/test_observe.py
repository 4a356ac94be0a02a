"""What an operator sees of a real server: metrics that agree with the audit log, readiness, logs."""

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS, Server, vending_server

OFTEN = CONFIG.replace(
    "[server]", '[server]\nprobe_seconds = 1\nlog_format = "json"\ndeny_file = "{audit}.deny"'
)


@pytest.fixture(autouse=True)
def deny_file(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl.deny"
    path.write_text("callers = []")
    return path


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """A cloud that a test may break."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def server(cloud: Sandbox, tmp_path: Path) -> Iterator[Server]:
    with vending_server(cloud, tmp_path, OFTEN) as server:
        yield server


def ask(server: Server, path: str = "uploads", key: str | None = KEYS["alice"]) -> str:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    url = f"{server.url}/v1/credentials/{path}"
    code: str = requests.get(url, headers=headers, timeout=30).json()["Code"]
    return code


def scrape(server: Server, name: str) -> dict[tuple[str, ...], float]:
    """Read the samples of one name, by the values of their labels, as Prometheus would."""
    text = requests.get(server.metrics_url, timeout=10).text
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def readiness(server: Server) -> tuple[int, str]:
    answer = requests.get(f"{server.url}/readyz", timeout=10)
    assert (answer.status_code == 200) is (answer.json()["status"] == "ready")
    return answer.status_code, answer.json()["why"]


def until(what: Callable[[], object], wanted: object, seconds: float = 20) -> None:
    """Look again and again until it is as wanted."""
    end = time.monotonic() + seconds
    while (is_now := what()) != wanted:
        assert time.monotonic() < end, is_now
        time.sleep(0.05)


def test_metrics_and_audit_log_tell_the_same(
    server: Server, cloud: Sandbox, deny_file: Path
) -> None:
    until(lambda: readiness(server), (200, "vending"))
    codes = [
        *(ask(server) for _ in range(3)),
        ask(server, key=None),
        ask(server, key="osk_" + "x" * 43),
        ask(server, "uploads?colour=red"),
        ask(server, "evil%22%7D%201%0Asts_server_asks_total"),
        ask(server, "everything", KEYS["bob"]),
    ]
    for status, code in ((403, "NoPermission"), (400, "Throttling.User"), (503, "Internal")):
        cloud.fault(service="sts", operation="AssumeRole", status=status, code=code)
        codes.append(ask(server, f"uploads?prefix=users/alice/{code}/"))
        cloud.clear_faults()
    codes += [ask(server, f"uploads?prefix=users/alice/{n}/") for n in range(30)]
    deny_file.write_text('callers = ["bob"]')
    codes.append(ask(server, key=KEYS["bob"]))
    assert set(codes) == {
        "Success", "Unauthenticated", "InvalidArgument", "GrantDenied", "UpstreamRefused",
        "CallerNotAllowed", "UpstreamThrottled", "UpstreamUnavailable", "TooManyRequests",
    }  # fmt: skip

    audit = server.audit()
    assert len(audit) == len(codes)
    asks = scrape(server, "sts_server_asks_total")
    lines = Counter(
        (
            line["grant"] if line["grant"] in ("uploads", "everything") else "unknown",
            line.get("code", line["outcome"]),
        )
        for line in audit
    )
    assert asks == lines
    vended = sum(n for (_, outcome), n in asks.items() if outcome == "vended")
    assert scrape(server, "sts_server_lease_life_left_seconds_count")[()] == vended
    assert scrape(server, "sts_server_logins_total") == {
        ("api_key", "proven"): len(codes) - 2,
        ("api_key", "Unauthenticated"): 1,
    }


def test_calls_are_as_sts_counts_them(server: Server, cloud: Sandbox) -> None:
    until(lambda: readiness(server), (200, "vending"))
    cloud.fault(service="sts", operation="AssumeRole", latency=0.5)
    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(lambda _: ask(server), range(20))) == {"Success"}
    cloud.clear_faults()
    assert ask(server) == "Success"
    results = scrape(server, "sts_server_cache_asks_total")
    assert results["miss",] == 1
    assert sum(results.values()) == 21
    calls = scrape(server, "sts_server_upstream_call_seconds_count")
    assert calls["AssumeRole", "answered"] == 1
    slow = scrape(server, "sts_server_upstream_call_seconds_sum")
    assert slow["AssumeRole", "answered"] >= 0.5
    seen = [it for it in cloud.requests() if it["operation"] == "AssumeRole"]
    assert len(seen) == sum(n for (name, _), n in calls.items() if name.startswith("AssumeRole"))
    assert scrape(server, "sts_server_leases_kept") == {(): 1}


def test_a_wrong_key_is_not_ready_and_the_log_says_what_to_do(
    cloud: Sandbox, tmp_path: Path
) -> None:
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    with vending_server(cloud, tmp_path, OFTEN, **wrong) as server:
        answer = requests.get(f"{server.url}/readyz", timeout=10)
        assert "refused" in answer.json()["why"]
        assert "Signature" not in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200
        assert scrape(server, "sts_server_ready") == {(): 0}
        (line,) = (json.loads(line) for line in server.log().splitlines())
    assert (line["level"], line["logger"]) == ("error", "sts_server.probe")
    assert (
        "check our access key (environment, or the file or role that it comes from)"
        in line["message"]
    )


def test_a_role_that_stops_trusting_us_is_found_and_found_again(
    server: Server, cloud: Sandbox
) -> None:
    until(lambda: readiness(server), (200, "vending"))
    cloud.fault(service="sts", operation="AssumeRole", status=403, code="NoPermission")
    assert ask(server) == "UpstreamRefused"
    until(lambda: readiness(server), (503, "role refused"))
    cloud.clear_faults()
    # Nobody asks a server that is not ready: it finds out by itself.
    until(lambda: readiness(server), (200, "vending"))
    assert ask(server) == "Success"


def test_what_sts_refuses_of_one_caller_stops_nobody_else(server: Server, cloud: Sandbox) -> None:
    until(lambda: readiness(server), (200, "vending"))
    cloud.fault(
        service="sts", operation="AssumeRole", status=400, code="InvalidParameter.Policy", nth=1
    )
    assert ask(server) == "UpstreamRefused"
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert readiness(server) == (200, "vending")
        time.sleep(0.05)


def test_an_outage_alone_leaves_it_ready(tmp_path: Path) -> None:
    stop = contextlib.ExitStack()
    sandbox = stop.enter_context(Sandbox())
    with stop, vending_server(sandbox, tmp_path, OFTEN) as server:
        until(lambda: readiness(server), (200, "vending"))
        kept = server.lease()["AccessKeyId"]
        sandbox.fault(service="sts", status=503, code="Internal")
        assert ask(server, "uploads?duration=900") == "UpstreamUnavailable"
        stop.close()
        assert ask(server, "uploads?duration=901") == "UpstreamUnavailable"
        time.sleep(2.5)  # two probes
        assert readiness(server) == (200, "vending")
        assert server.lease()["AccessKeyId"] == kept


def test_it_is_ready_during_an_outage_from_the_start(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        sandbox.fault(service="sts", status=503, code="Internal")
        with vending_server(sandbox, tmp_path, OFTEN) as server:
            until(lambda: readiness(server), (200, "vending"))


def test_settings_that_change_reset_no_count_and_no_readiness(server: Server) -> None:
    until(lambda: readiness(server), (200, "vending"))
    server.lease()
    text = server.config_path.read_text()
    server.config_path.write_text(text.replace('name = "uploads"', 'name = "inbox"'))
    server.process.send_signal(signal.SIGHUP)
    while "is taken" not in server.log():
        assert readiness(server) == (200, "vending")
    assert ask(server, "inbox") == "Success"
    assert ask(server, "uploads") == "GrantDenied"
    assert scrape(server, "sts_server_asks_total") == {
        ("uploads", "vended"): 1,
        ("inbox", "vended"): 1,
        ("unknown", "GrantDenied"): 1,
    }


def test_how_the_log_is_written_can_be_changed(server: Server) -> None:
    text = server.config_path.read_text()
    server.config_path.write_text(text.replace('log_format = "json"', 'log_format = "text"'))
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "is taken" in server.log(), True)
    assert server.log() == f"INFO sts_server.cli.reload: {server.config_path} is taken\n"


def test_a_log_line_leads_to_the_answer_it_is_about(server: Server, cloud: Sandbox) -> None:
    cloud.fault(service="sts", operation="AssumeRole", status=403, code="NoPermission")
    answer = requests.get(
        f"{server.url}/v1/credentials/uploads",
        headers={"Authorization": f"Bearer {KEYS['alice']}"},
        timeout=30,
    )
    told = [json.loads(line) for line in server.log().splitlines()]
    about = [it for it in told if it.get("request_id") == answer.headers["X-Request-Id"]]
    assert [it["logger"] for it in about] == ["sts_server.vending"]
    assert "NoPermission" in about[0]["message"]
