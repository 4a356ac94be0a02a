"""One HTTP exchange with OSS: a signed request out, the head of an answer in, nothing else.

Transports of httpx, not its client. That would look into ``~/.netrc``, keep cookies and add headers
of its own; each of them sends secrets where they do not belong, or replaces them.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sts_client.aio.transport.failure import TROUBLE, failure_of
from sts_client.aio.transport.library import httpx
from sts_client.aio.transport.route import adapter_to
from sts_client.aio.transport.url import exactly
from sts_client.errors import StsClientError
from sts_client.objects.signer import Signed

IDLE = 64
"""Idle connections kept at the most."""


@dataclass(slots=True)
class _Open:
    """What is open in one event loop of one process: of no use in any other."""

    loop: asyncio.AbstractEventLoop
    process: int
    adapters: dict[str, httpx.AsyncHTTPTransport] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Transport:
    """Sends signed requests over kept connections.

    Proxies and the CA bundle come from the environment, read when a host is first spoken to; this
    machine is reached without a proxy.

    Args:
        timeout: seconds to wait for a connection, and for each part of an answer.
    """

    def __init__(self, timeout: tuple[float, float]) -> None:
        connect, read = timeout
        self._timeout = {"connect": connect, "read": read, "write": read}
        self._open: _Open | None = None

    async def send(self, signed: Signed, body: AsyncIterator[bytes] | None) -> httpx.Response:
        """Return the answer with its body still unread: the caller reads or closes it.

        Raises:
            NetworkError: there is none.
            PayloadError: from the body that is being sent.
        """
        parts = urlsplit(signed.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        headers = [("Host", parts.netloc), *signed.headers.items()]
        if body is None and signed.method in ("POST", "PUT"):
            headers.append(("Content-Length", "0"))
        sent = None if body is None else _Body(body)
        try:
            adapter = await self._adapter(origin)
            request = httpx.Request(
                signed.method,
                exactly(signed.url),
                headers=headers,
                stream=sent or httpx.ByteStream(b""),
                extensions={"timeout": self._timeout},
            )
            response = await adapter.handle_async_request(request)
        except StsClientError as error:
            # Its cause is the caller's own; the library takes it out.
            raise error from None if sent is None else sent.cause
        except TROUBLE as error:
            failure = failure_of(error, origin)
        else:
            response.headers.encoding = "iso-8859-1"  # never guessed; RFC 9110, section 5.5
            return response
        raise failure

    async def close(self) -> None:
        """Close all connections of this loop. The next request opens new ones."""
        found, self._open = self._open, None
        if found is not None and found.loop is asyncio.get_running_loop():
            for adapter in found.adapters.values():
                await adapter.aclose()

    async def _adapter(self, origin: str) -> httpx.AsyncHTTPTransport:
        found = self._open
        loop = asyncio.get_running_loop()
        if found is None or found.loop is not loop or found.process != os.getpid():
            # A loop that has ended took its connections along; two processes that write to one
            # would read each other's answers.
            found = self._open = _Open(loop, os.getpid())
        adapter = found.adapters.get(origin)
        if adapter is None:
            async with found.lock:
                adapter = found.adapters.get(origin)
                if adapter is None:
                    adapter = await adapter_to(origin, idle=IDLE)
                    found.adapters[origin] = adapter
        return adapter


class _Body(httpx.AsyncByteStream):
    """A body as the library wants it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.cause: BaseException | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except StsClientError as error:
            self.cause = error.__cause__
            raise
