"""The live application: one generation for each exchange, and none is let go before its last answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sts_server.http.live import Generation, Live

HTTP: Scope = {"type": "http"}


def generation(
    name: str, told: list[str], gate: asyncio.Event | None = None, *, broken: bool = False
) -> Generation:
    """Make one that notes its beginning, its answers and its end."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's shape
        if gate is not None:
            await gate.wait()
        told.append(f"{name} answers")

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        if broken:
            raise OSError(28, "No space left on device")
        told.append(f"{name} begins")
        yield
        told.append(f"{name} ends")

    return Generation(app, running())


async def ask(app: ASGIApp) -> None:
    await app(HTTP, _nothing, _nowhere)


async def _nothing() -> Message:
    return {}


async def _nowhere(_: Message) -> None:
    return


def lived(first: Generation, story: Callable[[Live], Coroutine[None, None, None]]) -> None:
    """Run a story between startup and shutdown."""

    async def run() -> None:
        live = Live(first)
        events: asyncio.Queue[Message] = asyncio.Queue()
        answers: asyncio.Queue[Message] = asyncio.Queue()
        lifespan = asyncio.create_task(live({"type": "lifespan"}, events.get, answers.put))
        await events.put({"type": "lifespan.startup"})
        assert (await answers.get())["type"] == "lifespan.startup.complete"
        await story(live)
        await events.put({"type": "lifespan.shutdown"})
        assert (await answers.get())["type"] == "lifespan.shutdown.complete"
        await lifespan

    asyncio.run(run())


def test_the_newest_generation_answers() -> None:
    told: list[str] = []

    async def story(live: Live) -> None:
        await ask(live)
        await live.change_to(generation("second", told))
        await ask(live)

    lived(generation("first", told), story)
    assert told.index("second begins") < told.index("first ends")
    assert [line for line in told if "answers" in line] == ["first answers", "second answers"]
    assert told[-1] == "second ends"


def test_an_answer_under_way_keeps_its_generation() -> None:
    told: list[str] = []

    async def story(live: Live) -> None:
        asked = asyncio.create_task(ask(live))
        await asyncio.sleep(0)
        await live.change_to(generation("second", told))
        await ask(live)
        assert "first ends" not in told
        gate.set()
        await asked

    gate = asyncio.Event()
    lived(generation("first", told, gate), story)
    assert told.index("first answers") < told.index("first ends")
    assert told.index("second answers") < told.index("first answers")


def test_one_that_cannot_start_changes_nothing() -> None:
    told: list[str] = []

    async def story(live: Live) -> None:
        with pytest.raises(OSError, match="No space"):
            await live.change_to(generation("second", told, broken=True))
        await ask(live)

    lived(generation("first", told), story)
    assert told == ["first begins", "first answers", "first ends"]
