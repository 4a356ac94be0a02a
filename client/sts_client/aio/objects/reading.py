"""An object as asyncio reads it: its body, with the checks that make it trustworthy."""

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from sts_client.aio.transport import TROUBLE, httpx
from sts_client.errors import StsClientError, TransferError, UsageError
from sts_client.objects import Head
from sts_client.objects.described import Described
from sts_client.objects.reading import SMALL
from sts_client.objects.tally import Tally


class AsyncObject(Described):
    """An object that is being read: ``await`` `read`, ``async for``, or use in ``async with``.

    All that is said of `Object` holds. One that is neither read to its end nor closed keeps its
    connection.
    """

    def __init__(
        self,
        head: Head,
        response: httpx.Response,
        *,
        whole: bool,
        at_end: Callable[[], None],
    ) -> None:
        super().__init__(head)
        self._at_end = at_end
        self._response = response
        self._pieces = response.aiter_raw()
        self._tally = Tally(head, whole=whole)
        self._ready = b""
        self._ended = False
        self._error: StsClientError | None = None

    async def begin(self) -> Self:
        """Read a small body at once, so that its connection is free before it is used."""
        if self.head.length <= SMALL:
            self._ready = await self._rest()
        return self

    async def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes, or all that are left; b"" at the end, as files do.

        Raises:
            TruncatedBody: the connection ended before the body did.
            ChecksumMismatch: all was read, and it is not what OSS stored.
            TimedOut: nothing came for too long.
            UsageError: it was closed before its end, or a read of it was cancelled. Errors come
                again with each further call.
        """
        if self._error:
            raise self._error
        if size is None or size < 0:
            return await self._rest()
        if size and not self._ready:
            self._ready = await self._next()
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces; raises as `read` does, so the last piece proves the others."""
        if self._error:
            raise self._error
        while piece := self._ready or await self._next():
            self._ready = b""
            yield piece

    async def close(self) -> None:
        """Give up the connection. What is left of the body cannot be read any more."""
        if self._ready or not self._ended:
            await self._give_up(
                UsageError(f"{self.key!r} was closed before it was read to its end")
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _rest(self) -> bytes:
        pieces = [self._ready]
        self._ready = b""
        while piece := await self._next():
            pieces.append(piece)
        return b"".join(pieces)

    async def _next(self) -> bytes:
        if self._error:
            raise self._error
        if self._ended:
            return b""
        try:
            piece = await anext(self._pieces, b"")
            self._ended = self._tally.add(piece)
            if self._ended and piece:
                # Only after the very end the connection serves others; nothing comes any more.
                await anext(self._pieces, b"")
            if self._ended:
                self._at_end()
        except TransferError as error:
            raise await self._give_up(error) from None
        except httpx.TimeoutException:
            failure: StsClientError = self._tally.stopped()
        except TROUBLE:
            failure = self._tally.broken()
        except BaseException:
            # Cancelled: what had come of this read is lost, so the next one must not go on.
            await self._give_up(UsageError(f"a read of {self.key!r} was cancelled: get it again"))
            raise
        else:
            return piece
        raise await self._give_up(failure)

    async def _give_up(self, error: StsClientError) -> StsClientError:
        """Close, and keep the reason: a second `read` must not look like the end of the body."""
        self._error = error
        self._ready = b""
        self._ended = True
        try:
            await self._response.aclose()
        finally:
            self._at_end()
        return error
