"""What a put sends where the event loop must not wait for it: files are read in threads."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from functools import partial

from sts_client.objects import Data, Payload
from sts_client.objects.payload import unreadable

AsyncData = Data | AsyncIterable[bytes]
"""What may be uploaded: what threads may, or an async iterable, which can be sent only once."""


class AsyncPayload(Payload):
    """The body of one put, as `Payload`."""

    def __init__(self, data: AsyncData) -> None:
        if isinstance(data, AsyncIterable):
            super().__init__(())  # of unknown length, and nothing to go back to
            self.pieces: AsyncIterable[bytes] | None = data
        else:
            super().__init__(data)
            self.pieces = None


async def flow(payload: Payload) -> AsyncGenerator[bytes, None]:
    """Read the data and sum it up; raises `PayloadError` as `Payload.chunks` does."""
    if isinstance(payload, AsyncPayload) and payload.pieces is not None:
        try:
            async for piece in payload.pieces:
                yield payload.count(piece)
        except Exception as error:
            raise unreadable() from error
    elif payload.in_memory:
        for chunk in payload.chunks():
            yield chunk
    else:
        chunks = payload.chunks()
        following = partial(next, chunks, None)
        while (chunk := await asyncio.to_thread(following)) is not None:
            yield chunk
