"""Tests that run in an event loop of their own, and what they stand on there."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec

from sts_client import Lease
from sts_client.aio import AsyncBucket, AsyncProvider, InThread
from sts_client.aio.objects import AsyncObjects
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import Role, told

P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test to its end; what it leaves undone or raises behind is an error."""

    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        async def whole() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, it: unhandled.append(it))
            await test(*arguments, **named)

        unhandled: list[dict[str, Any]] = []
        asyncio.run(whole())
        assert unhandled == []

    return run


class Clock:
    """A clock that stands where a test puts it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class AsyncQueue:
    """A source of leases that hands out, or raises, one thing after another and counts."""

    def __init__(self, *things: Lease | BaseException) -> None:
        self.things = list(things)
        self.asked: list[str | None] = []
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def fetch(self, *, refused: str | None = None) -> Lease:
        """Return or raise the next thing, the last one again and again, when it may."""
        self.asked.append(refused)
        self.entered.set()
        await self.opened.wait()
        thing = self.things.pop(0) if len(self.things) > 1 else self.things[0]
        if isinstance(thing, BaseException):
            raise thing
        return thing


async def no_wait(_: int) -> None:
    """Wait for nothing."""


async def settled(rounds: int = 20) -> None:
    """Let all other tasks go on as far as they can."""
    for _ in range(rounds):
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(sandbox: Sandbox, **changes: Any) -> AsyncIterator[AsyncBucket]:
    """Open the whole bucket of a sandbox."""
    provider = AsyncProvider(InThread(Role(told(sandbox))))
    objects = AsyncObjects(provider, **{"wait": no_wait} | changes)
    async with AsyncBucket(provider, objects) as bucket:
        yield bucket


async def worst_lag(work: Awaitable[object]) -> float:
    """Return the longest time in seconds for which nothing else had its turn during some work."""
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - before - 0.001)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    try:
        await work
    finally:
        ticking.cancel()
    return worst
