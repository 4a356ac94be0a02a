"""The body of an answer, with an end in bytes and in seconds."""

import asyncio

from sts_client.aio.transport.library import httpx
from sts_client.errors import TimedOut


async def bounded(response: httpx.Response, most: int, *, seconds: float) -> bytes:
    """Return a body, or what it begins with, and close it; as `sts_client.source.bounded` does.

    Args:
        response: its body unread.
        most: bytes to read.
        seconds: all of it has to come within.

    Raises:
        TimedOut: it has not come by then.
        httpx.HTTPError: the connection broke.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in response.aiter_raw():
                body += piece
                if len(body) >= most:
                    break
    except TimeoutError:
        raise TimedOut.endless(seconds) from None
    finally:
        await response.aclose()
    return bytes(body[:most])
