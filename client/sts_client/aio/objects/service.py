"""The requests of asyncio: runs each operation's steps, one after the other, until its result."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sts_client.aio.objects.payload import flow
from sts_client.aio.objects.reading import AsyncObject
from sts_client.aio.objects.slots import Slots
from sts_client.aio.provider import AsyncProvider
from sts_client.aio.transport import TROUBLE, Transport, bounded, httpx
from sts_client.credentials import Lease, Style
from sts_client.errors import StsClientError, TruncatedBody
from sts_client.objects import ByteRange, NotModified, SignedUrl, operations
from sts_client.objects.call import Call
from sts_client.objects.exchange import pause
from sts_client.objects.signer import Signer
from sts_client.objects.steps import (
    Close,
    Mistimed,
    Pause,
    Present,
    Read,
    Refused,
    Send,
    Step,
    Steps,
)
from sts_client.signing import Query

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """How a bucket is reached, whoever does it.

    Attributes:
        endpoint: used in place of the lease's.
        style: used in place of the lease's.
        allow_http: accept an ``http://`` endpoint on another machine.
        timeout: seconds to wait for a connection, and for each part of an answer.
        patience: seconds to wait for the whole body of an answer that is no object.
    """

    endpoint: str | None = None
    style: Style | None = None
    allow_http: bool = False
    timeout: tuple[float, float] = (5.0, 60.0)
    patience: float = 60.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the library gives, as operations read it."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers


async def wait(failures: int) -> None:
    """Wait before the next attempt, for a time that chance decides."""
    await asyncio.sleep(pause(failures, random.random()))  # noqa: S311 - it hides nothing


class AsyncObjects:
    """The objects of the bucket that a provider's leases name, for all tasks of one event loop.

    Args:
        provider: leases come from here, anew for each request.
        reach: how the bucket is reached.
        connections: open at a time at the most; an object holds one until it is read or closed.
        clock: returns seconds since the epoch.
        wait: waits before the next attempt, after so many have failed.

    Raises:
        UsageError: the endpoint is none, or would show the security token to the network, or the
            style is none.
    """

    def __init__(
        self,
        provider: AsyncProvider,
        reach: Reach | None = None,
        *,
        connections: int = 64,
        clock: Callable[[], float] = time.time,
        wait: Callable[[int], Awaitable[None]] = wait,
    ) -> None:
        reach = reach or Reach()
        self._signer = Signer(
            endpoint=reach.endpoint, style=reach.style, allow_http=reach.allow_http, clock=clock
        )
        self.provider = provider
        self.reach = reach
        self._connections = connections
        self._wait = wait
        self._slots = Slots(connections)
        self._transport = Transport(reach.timeout)

    def __reduce__(
        self,
    ) -> tuple[Callable[..., "AsyncObjects"], tuple[AsyncProvider, Reach]]:
        return partial(AsyncObjects, connections=self._connections), (self.provider, self.reach)

    async def get(
        self, key: str, headers: Mapping[str, str], byte_range: ByteRange | None = None
    ) -> AsyncObject | NotModified:
        """GetObject. The body is read from the answer, see `AsyncObject`."""
        give_back = await self._slots.take()
        try:
            found = await self._run(operations.get(key, headers, byte_range))
            if isinstance(found, NotModified):
                give_back()
                return found
            answer: Any = found.answer
            return await AsyncObject(
                found.head, answer.response, whole=found.whole, at_end=give_back
            ).begin()
        except BaseException:
            give_back()
            raise

    async def presign(
        self, method: str, key: str, query: Query, headers: Mapping[str, str], seconds: int
    ) -> SignedUrl:
        """Sign a URL for whoever sends just these headers; it ends with the lease at the latest."""
        lease = await self.provider.lease()
        return self._signer.link(lease, method, key, query, headers, seconds)

    async def close(self) -> None:
        """Close the connections of this loop; the next request opens new ones."""
        await self._transport.close()

    async def run(self, steps: Steps[T]) -> T:
        """Do what an operation asks for until it returns; raises what it raises."""
        give_back = await self._slots.take()
        try:
            return await self._run(steps)
        finally:
            give_back()

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    came = await self._do(step)
                except StsClientError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Step) -> Any:
        match step:
            case Present():
                return await self.provider.lease()
            case Send(call, lease):
                return await self._send(call, lease)
            case Read(answer, most):
                return await self._read(answer.response, most)
            case Refused(access_key_id):
                return await self.provider.refused(access_key_id)
            case Mistimed(lease):
                return await self.provider.mistimed(lease)
            case Close(answer):
                return await answer.response.aclose()
            case Pause(failures):
                return await self._wait(failures)

    async def _send(self, call: Call, lease: Lease) -> _Answer:
        signed = self._signer.signed(call, lease)
        if call.payload is None:
            return _Answer(await self._transport.send(signed, None))
        async with aclosing(flow(call.payload)) as body:
            return _Answer(await self._transport.send(signed, body))

    async def _read(self, response: httpx.Response, most: int) -> bytes:
        try:
            return await bounded(response, most, seconds=self.reach.patience)
        except TROUBLE:
            failure = TruncatedBody("the connection broke within an answer: try again")
        raise failure
