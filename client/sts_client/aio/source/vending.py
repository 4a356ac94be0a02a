"""The vending server as a source of leases for asyncio: one GET, no state kept between two."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial

import requests

from sts_client.aio.source.token import AsyncToken, present
from sts_client.aio.transport import TROUBLE, adapter_to, bounded, exactly, failure_of, httpx
from sts_client.credentials import Lease
from sts_client.errors import NetworkError, TimedOut
from sts_client.source import LARGEST_ANSWER, Question, Wish, refuse_secret


class AsyncVendingServer:
    """Fetches leases for one wish from one server, as `VendingServer` does.

    Args:
        address: ``https://host``, perhaps with a path under which the server lives.
        wish: what to ask for.
        token: proves who asks; a function may be async, else it is called in a thread.
        allow_http: accept ``http://`` to other machines, here and for the lease's endpoint.
        timeout: seconds to wait for a connection, and for each part of the answer.
        patience: seconds to wait for the whole of the answer, from the first step to the server.
        clock: returns seconds since the epoch.

    Raises:
        UsageError: the address would show the token to the network, or is none.
    """

    def __init__(
        self,
        address: str,
        wish: Wish,
        *,
        token: AsyncToken,
        allow_http: bool = False,
        timeout: tuple[float, float] = (5.0, 30.0),
        patience: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._question = Question(address, wish, allow_http=allow_http)
        self._address = address
        self._wish = wish
        self._token = token
        self._allow_http = allow_http
        self._timeout = timeout
        self._patience = patience
        self._clock = clock

    def __repr__(self) -> str:
        return f"AsyncVendingServer({self._question.where!r}, {self._wish!r})"

    def __reduce__(self) -> tuple[Callable[..., "AsyncVendingServer"], tuple[object, ...]]:
        refuse_secret(self._token)
        made = partial(
            AsyncVendingServer,
            token=self._token,
            allow_http=self._allow_http,
            timeout=self._timeout,
            patience=self._patience,
        )
        return made, (self._address, self._wish)

    async def fetch(self, *, refused: str | None = None) -> Lease:
        """Ask for a lease.

        Args:
            refused: AccessKey id of a lease that OSS rejected, so that the server drops it.

        Raises:
            UsageError: the token is none, or its function says so.
            TokenUnavailable: the token's function failed otherwise.
            NetworkError: no answer.
            VendingError: the server refused, or sent no lease.
        """
        request = self._question.request(await present(self._token), refused)
        started = self._clock()
        status, headers, body = await self._ask(request)
        midpoint = (started + self._clock()) / 2
        return self._question.lease(status, headers, body, midpoint=midpoint)

    async def _ask(
        self, prepared: requests.PreparedRequest
    ) -> tuple[int, Mapping[str, str], bytes]:
        where = self._question.where
        try:
            async with asyncio.timeout(self._patience):
                return await self._exchanged(prepared, where)
        except TimeoutError:
            failure: NetworkError = TimedOut.at(where)
        except TROUBLE as error:
            failure = failure_of(error, where)
        raise failure

    async def _exchanged(
        self, prepared: requests.PreparedRequest, where: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        connect, read = self._timeout
        # No client: that would look into ~/.netrc. It serves for one request: leases are too rare
        # to keep a connection, which another loop or process could not use.
        async with aclosing(await adapter_to(where, idle=0)) as adapter:
            request = httpx.Request(
                "GET",
                exactly(str(prepared.url)),
                headers=[("Host", where.partition("://")[2]), *prepared.headers.items()],
                extensions={
                    "timeout": {"connect": connect, "read": read, "write": read},
                },
            )
            answer = await adapter.handle_async_request(request)
            body = await bounded(answer, LARGEST_ANSWER + 1, seconds=self._patience)
            return answer.status_code, answer.headers, body
