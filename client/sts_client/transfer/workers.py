"""Workers: a few threads that do many tasks; the first failure stops all of them."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
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

    def run(task: Callable[[], object]) -> None:
        if stop.is_set():
            raise Stopped
        try:
            task()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(threads, thread_name_prefix="sts-client") as pool:
        running: list[Future[None]] = []
        try:
            running += (pool.submit(run, task) for task in tasks)
            wait(running, return_when=FIRST_EXCEPTION)
        except BaseException:
            # An interrupt: without this the threads would go on to their ends.
            stop.set()
            raise
        finally:
            if stop.is_set():
                pool.shutdown(wait=False, cancel_futures=True)
    for each in running:
        error = None if each.cancelled() else each.exception()
        if error is not None and not isinstance(error, Stopped):
            raise error
