"""Workers: a few threads that do many tasks; the first failure stops all of them."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event


class Stopped(Exception):
    """Another task has failed, so this one need not go on."""


def run_all(tasks: Iterable[Callable[[], object]], *, threads: int, stop: Event) -> None:
    """Run all tasks, so many at a time, and return when the last has ended.

    Args:
        tasks: called without arguments, in threads of their own.
        threads: at most.
        stop: set when one has failed, or this thread is interrupted; tasks look at it now and then
            and raise `Stopped`.

    Raises:
        BaseException: what the first task that failed raised.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="sts-client") as pool:
        running = [pool.submit(task) for task in tasks]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
        finally:
            # For an interrupt too: without it the threads would go on to their ends.
            if any(not each.done() or each.exception() for each in running):
                stop.set()
            for each in running:
                each.cancel()
    failures = [
        error
        for each in done | {each for each in running if each.done() and not each.cancelled()}
        if (error := each.exception()) and not isinstance(error, Stopped)
    ]
    if failures:
        raise failures[0]
