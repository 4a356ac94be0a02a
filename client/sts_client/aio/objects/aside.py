"""Aside: transfers of whole files as threads do them, beside the loop and with its leases."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import random
from threading import Event
from typing import Any, TypeVar

from sts_client.aio.objects.leases import LoopLeases
from sts_client.aio.objects.service import AsyncObjects
from sts_client.aio.threads import started
from sts_client.objects import Objects, Payload, wait
from sts_client.objects.exchange import pause
from sts_client.objects.steps import Send, Step
from sts_client.objects.transport import Transport
from sts_client.provider import Leases
from sts_client.transfer import TransferSettings

T = TypeVar("T")

GRACE = 5.0
"""Seconds that a cancelled transfer has to stop, and to take back what it began."""


class _Cancelled(Exception):
    """Whoever waited for the transfer does so no more."""


class Aside:
    """Runs transfers, each in a thread of its own; what they share is their connections.

    Args:
        objects: says where the bucket is, and whose leases are used.
    """

    def __init__(self, objects: AsyncObjects) -> None:
        self._objects = objects
        self._transport = Transport(objects.reach.timeout)

    async def run(
        self, transfer: Callable[[Objects, TransferSettings], T], settings: TransferSettings
    ) -> T:
        """Run a transfer. Cancelled, it is stopped at the next piece of data and cleaned up behind.

        Args:
            transfer: is given what it needs, in a thread.
            settings: `on_progress` and `wait` are called in threads.
        """
        stop = Event()
        leases = LoopLeases(self._objects.provider, asyncio.get_running_loop())
        objects = _Stoppable(leases, self._objects, self._transport, stop)

        def on_progress(count: int) -> None:
            if count > 0 and stop.is_set():
                raise _Cancelled
            settings.on_progress(count)

        def pausing(failures: int) -> None:
            if settings.wait is wait:
                stop.wait(pause(failures, random()))  # noqa: S311 - it hides nothing
            elif not stop.is_set():
                settings.wait(failures)

        watched = replace(settings, on_progress=on_progress, wait=pausing)
        # No task: when the loop ends, all tasks are cancelled, and this still has to clean up.
        work = asyncio.wrap_future(started(lambda: transfer(objects, watched)))
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait((work,), timeout=GRACE)
            raise
        finally:
            # Nobody asks any more what becomes of one that did not stop in time.
            work.add_done_callback(lambda it: it.cancelled() or it.exception())
        return work.result()

    def close(self) -> None:
        """Close idle connections; the next transfer opens new ones."""
        self._transport.close()


class _Stoppable(Objects):
    """Requests of threads, until they are told to stop: then only what takes something back."""

    def __init__(
        self, leases: Leases, objects: AsyncObjects, transport: Transport, stop: Event
    ) -> None:
        reach = objects.reach
        super().__init__(
            leases,
            endpoint=reach.endpoint,
            style=reach.style,
            allow_http=reach.allow_http,
            timeout=reach.timeout,
            patience=reach.patience,
        )
        self._transport = transport
        self._stop = stop

    def _do(self, step: Step) -> Any:
        match step:
            case Send(call) if self._stop.is_set() and call.method != "DELETE":
                raise _Cancelled
            case Send(call, lease) if isinstance(call.payload, Payload):
                body: Any = _Watched(call.payload, self._stop)
                step = Send(replace(call, payload=body), lease)
        return super()._do(step)


class _Watched:
    """A body that ends in an error when it is told to."""

    def __init__(self, payload: Payload, stop: Event) -> None:
        self._payload = payload
        self._stop = stop
        self.length = payload.length

    def chunks(self) -> Iterator[bytes]:
        """Read the data."""
        for chunk in self._payload.chunks():
            if self._stop.is_set():
                raise _Cancelled
            yield chunk
