"""The bucket of asyncio behind the face of threads: what is promised of one is tried with both."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import pytest

from sts_client import Bucket, Entry, Folder, Object
from sts_client.aio import AsyncBucket, AsyncObject, AsyncProvider, AsyncVendingServer
from sts_client.aio.objects import AsyncObjects, Reach
from tests.sts_client.aio.loop import no_wait
from tests.sts_client.stage import NOW, Queue

T = TypeVar("T")


def only_threads(shell: str) -> None:
    """Leave a test out that needs what only threads have."""
    if shell != "threads":
        pytest.skip("asyncio has a test of its own")


class Inline:
    """A source of threads, asked in the loop: it never blocks."""

    def __init__(self, source: Queue) -> None:
        self._source = source

    async def fetch(self, *, refused: str | None = None) -> Any:
        """Return what it does."""
        return self._source.fetch(refused=refused)


class _Loop:
    """A loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.unhandled: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, it: self.unhandled.append(it))
        self._thread = Thread(target=self.loop.run_forever)
        self._thread.start()

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        assert self.unhandled == []


class BlockingObject(Object):
    """An object whose reads wait for the loop."""

    def __init__(self, run: _Loop, found: AsyncObject) -> None:
        self._run = run
        self._found = found
        self.head = found.head

    def read(self, size: int | None = -1) -> bytes:
        """Read there, wait here."""
        return self._run(self._found.read(size))

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._found.__aiter__()

        async def following() -> bytes | None:
            return await anext(pieces, None)

        while (piece := self._run(following())) is not None:
            yield piece

    def close(self) -> None:
        """Close there, wait here."""
        self._run(self._found.close())


class _Blocking:
    """Any method, waited for."""

    def __init__(self, run: _Loop, bucket: AsyncBucket) -> None:
        self._run = run
        self._bucket = bucket

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._bucket, name)

        def call(*arguments: Any, **named: Any) -> Any:
            found = self._run(method(*arguments, **named))
            return BlockingObject(self._run, found) if isinstance(found, AsyncObject) else found

        return call

    def list(self, *arguments: Any, **named: Any) -> Iterator[Entry | Folder]:
        """Walk there, wait here."""
        entries = self._bucket.list(*arguments, **named)

        async def following() -> Entry | Folder | None:
            return await anext(entries, None)

        while (entry := self._run(following())) is not None:
            yield entry

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._bucket.close())


@contextmanager
def blocking(source: Queue, reach: Mapping[str, Any]) -> Iterator[Bucket]:
    """Open a bucket of asyncio for tests that were written for one of threads."""
    run = _Loop()
    provider = AsyncProvider(Inline(source), clock=lambda: NOW)
    objects = AsyncObjects(provider, Reach(**reach), clock=lambda: NOW, wait=no_wait)
    try:
        with _Blocking(run, AsyncBucket(provider, objects)) as bucket:
            yield cast("Bucket", bucket)
    finally:
        run.close()


class BlockingServer:
    """An `AsyncVendingServer`, each fetch in a loop of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._source = AsyncVendingServer(*arguments, **named)

    def fetch(self, *, refused: str | None = None) -> Any:
        """Fetch there, wait here."""
        return asyncio.run(self._source.fetch(refused=refused))
