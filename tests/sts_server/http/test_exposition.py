"""The exposition: metrics for Prometheus, and for nobody whom a web page sends."""

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sts_server.http.exposition import exposition
from sts_server.metrics import Metrics
from tests.sts_server.parts import exchange


def ask(
    path: str = "/metrics",
    method: str = "GET",
    *,
    host: str = "127.0.0.1:9464",
    only_loopback: bool = True,
    **more: Any,
) -> httpx.Response:
    application = exposition(Metrics().registry, only_loopback=only_loopback)
    return exchange(application, f"http://{host}{path}", method, **more)


def test_prometheus_can_read_it() -> None:
    answer = ask(headers={"Accept": "application/openmetrics-text;version=x"})
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"sts_server_cache_asks", "sts_server_ready", "sts_server_build_info"} <= names
    assert answer.headers["Cache-Control"] == "no-store"


def test_head_is_get_without_a_body() -> None:
    answer = ask(method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/v1/credentials/uploads", 404),
        ("GET", "/healthz", 404),
        ("POST", "/metrics", 405),
        ("OPTIONS", "/metrics", 405),
    ],
)
def test_there_is_nothing_else(method: str, path: str, status: int) -> None:
    answer = ask(path, method)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert "/metrics" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1:9464", "localhost", "localhost:1", "[::1]:9464"])
def test_whoever_calls_it_by_its_address_is_answered(host: str) -> None:
    assert ask(host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example", "[::2]", "127.0.0.1:x", "a@127.0.0.1", ""],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_name_that_was_made_to_point_here_is_refused(host: str, method: str) -> None:
    answer = ask(method=method, headers={"Host": host})
    assert answer.status_code == 421
    assert "sts_server_" not in answer.text


def test_two_names_are_none() -> None:
    headers = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    assert ask(headers=headers).status_code == 421


def test_where_the_operator_opened_it_any_name_will_do() -> None:
    answer = ask(only_loopback=False, headers={"Host": "sts.internal:9464"})
    assert answer.status_code == 200
