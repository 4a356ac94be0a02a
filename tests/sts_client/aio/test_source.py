"""What only asyncio's source of leases does; all else is promised in `tests/sts_client/test_source.py`."""

import asyncio
import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sts_client import TokenFile, Wish, errors
from sts_client.aio import AsyncVendingServer, leases_from
from tests.sts_client.aio.loop import in_loop, worst_lag
from tests.sts_client.stage import BEARER, NOW, SECRETS, Answer, json_answer, lease_body, serving


async def awaited() -> str:
    return BEARER


class Supplier:
    async def __call__(self) -> str:
        return BEARER


def source(url: str, token: Any = BEARER, **parts: Any) -> AsyncVendingServer:
    return AsyncVendingServer(url, Wish("g"), token=token, clock=lambda: NOW, **parts)


@pytest.mark.parametrize(
    "token", [BEARER, lambda: BEARER, awaited, functools.partial(awaited), Supplier()]
)
@in_loop
async def test_a_token_of_any_kind(token: str | Callable[[], Any]) -> None:
    with serving(lambda _: json_answer(lease_body())) as stage:
        await source(stage.url, token).fetch()
    assert stage.asked[0].headers["Authorization"] == f"Bearer {BEARER}"


@in_loop
async def test_a_function_that_blocks_is_called_in_a_thread(tmp_path: Path) -> None:
    def slow() -> str:
        assert threading.current_thread() is not threading.main_thread()
        assert let_go.wait(10)
        return TokenFile(path)()

    path = tmp_path / "token"
    path.write_text(BEARER)
    let_go = threading.Event()
    with serving(lambda _: json_answer(lease_body())) as stage:
        asked = asyncio.create_task(source(stage.url, slow).fetch())
        await asyncio.sleep(0.01)
        assert not asked.done()
        let_go.set()
        await asked


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(ValueError("secret"), errors.TokenUnavailable), (errors.UsageError("x"), errors.UsageError)],
)
@pytest.mark.parametrize("waited", [False, True])
@in_loop
async def test_a_function_that_fails(
    waited: bool, raised: Exception, kind: type[errors.StsClientError]
) -> None:
    async def fails() -> str:
        raise raised

    def fails_at_once() -> str:
        raise raised

    with pytest.raises(kind) as caught:
        await source("http://127.0.0.1:9", fails if waited else fails_at_once).fetch()
    assert "secret" not in str(caught.value)


@in_loop
async def test_the_whole_answer_has_a_deadline() -> None:
    gone = threading.Event()
    with serving(lambda _: Answer(body=b"{", length=50, hold=gone)) as stage:
        with pytest.raises(errors.TimedOut):
            await source(stage.url, patience=0.05).fetch()
        gone.set()


@in_loop
async def test_the_loop_goes_on_while_the_server_and_the_token_are_slow() -> None:
    def slow() -> str:
        assert not gone.wait(0.6)
        return BEARER

    gone = threading.Event()
    with serving(lambda _: json_answer(lease_body())) as stage:
        assert await worst_lag(source(stage.url, slow).fetch()) < 0.3  # half of what it takes


@in_loop
async def test_servers_in_turn() -> None:
    with (
        serving(lambda _: Answer(503)) as away,
        serving(lambda _: json_answer(lease_body(), 403)) as there,
    ):
        ours = leases_from([away.url, there.url], grant="g", token=BEARER)
        with pytest.raises(errors.GrantDenied) as caught:
            await ours.lease()
    assert (len(away.asked), len(there.asked)) == (1, 1)
    assert not any(secret in repr(ours) + str(caught.value) for secret in SECRETS)


@in_loop
async def test_a_disk_cache_is_shared_with_threads(tmp_path: Path) -> None:
    with serving(lambda _: json_answer(lease_body())) as stage:
        named: dict[str, Any] = {
            "grant": "g",
            "disk_cache": tmp_path / "cache",
            "identity": "alice",
        }
        for _ in range(2):
            ours = leases_from(stage.url, token=BEARER, **named)
            assert (await ours.credentials()).access_key_id == "STS.1"
        with pytest.raises(errors.UsageError, match="must not be async"):
            leases_from(stage.url, token=awaited, **named)
        with pytest.raises(errors.UsageError, match="identity="):
            leases_from(stage.url, token=BEARER, grant="g", disk_cache=tmp_path)
    assert len(stage.asked) == 1
