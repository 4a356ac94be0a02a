"""Work that blocks, in a thread of its own, while the event loop goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run a function in a new thread and return, or raise, what it does; see `started`."""
    return await asyncio.wrap_future(started(work))


def started(work: Callable[[], T]) -> Future[T]:
    """Start a function in a new thread and return what will have its result.

    Not one of the loop's own few threads: work that waits for a lease could occupy all of them, and
    the one that reads the token for that lease would never have its turn. Whoever is cancelled
    while waiting leaves the thread to its end, which nothing waits for, not even the interpreter.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from here on it cannot be cancelled

    def run() -> None:
        try:
            result = work()
        except StopIteration as error:  # which no future may hold
            future.set_exception(RuntimeError(f"a function raised {type(error).__name__}"))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)
        else:
            future.set_result(result)

    Thread(target=partial(copy_context().run, run), name="sts-client-aio", daemon=True).start()
    return future
