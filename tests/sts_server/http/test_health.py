"""Health: a word for machines, and nothing that STS said."""

import httpx
import pytest
from starlette.applications import Starlette

from sts_server.http.health import health
from sts_server.readiness import Verdict
from tests.sts_server.parts import exchange

READY = Verdict(ready=True, why="vending")
STARTING = Verdict(ready=False, why="starting", retry_after=1)


def ask(verdict: Verdict, path: str, method: str = "GET") -> httpx.Response:
    application = Starlette(routes=health(lambda: verdict))
    return exchange(application, f"http://127.0.0.1{path}", method)


@pytest.mark.parametrize("verdict", [READY, STARTING])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_lives_whatever_sts_thinks(verdict: Verdict, method: str) -> None:
    assert ask(verdict, "/healthz", method).status_code == 200


def test_ready() -> None:
    answer = ask(READY, "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "why": "vending"})
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_not_ready(method: str) -> None:
    answer = ask(STARTING, "/readyz", method)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    if method == "GET":
        assert answer.json() == {"status": "not ready", "why": "starting"}
