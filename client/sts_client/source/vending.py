"""The vending server as a source of leases: one GET, no state kept between two of them."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sts_client.credentials import Lease
from sts_client.errors import NetworkError
from sts_client.source.body import bounded
from sts_client.source.question import LARGEST_ANSWER, Question
from sts_client.source.route import route_to
from sts_client.source.token import Token, present, refuse_secret
from sts_client.source.wish import Wish


class VendingServer:
    """Fetches leases for one wish from one server.

    Args:
        address: ``https://host``, perhaps with a path under which the server lives.
        wish: what to ask for.
        token: proves who asks.
        allow_http: accept ``http://`` to other machines, here and for the lease's endpoint.
        timeout: seconds to wait for a connection, and for each part of the answer.
        patience: seconds to wait for the whole body of the answer, however many its parts.
        clock: returns seconds since the epoch.
        stopwatch: returns seconds that no correction of the clock changes.

    Raises:
        UsageError: the address would show the token to the network, or is none.
    """

    def __init__(
        self,
        address: str,
        wish: Wish,
        *,
        token: Token,
        allow_http: bool = False,
        timeout: tuple[float, float] = (5.0, 30.0),
        patience: float = 30.0,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._question = Question(address, wish, allow_http=allow_http)
        self._address = address
        self._wish = wish
        self._token = token
        self._allow_http = allow_http
        self._timeout = timeout
        self._patience = patience
        self._clock = clock
        self._stopwatch = stopwatch

    def __repr__(self) -> str:
        return f"VendingServer({self._question.where!r}, {self._wish!r})"

    def __reduce__(self) -> tuple[Callable[..., "VendingServer"], tuple[object, ...]]:
        refuse_secret(self._token)
        made = partial(
            VendingServer,
            token=self._token,
            allow_http=self._allow_http,
            timeout=self._timeout,
            patience=self._patience,
        )
        return made, (self._address, self._wish)

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Ask for a lease.

        Args:
            refused: AccessKey id of a lease that OSS rejected, so that the server drops it.

        Raises:
            UsageError: the token is none, or its function says so.
            TokenUnavailable: the token's function failed otherwise.
            NetworkError: no answer.
            VendingError: the server refused, or sent no lease.
        """
        request = self._question.request(present(self._token), refused)
        started = self._clock()
        status, headers, body = self._ask(request)
        midpoint = (started + self._clock()) / 2
        return self._question.lease(status, headers, body, midpoint=midpoint)

    def _ask(
        self, request: requests.PreparedRequest
    ) -> tuple[int, "requests.structures.CaseInsensitiveDict[str]", bytes]:
        try:
            # An adapter, not a session: that would look into ~/.netrc, and reads a redirect to its
            # end even where it does not follow. It serves for one request: leases are too rare to
            # keep a connection, which after a fork two processes would share.
            route = route_to(self._question.where)
            with (
                closing(HTTPAdapter()) as adapter,
                adapter.send(request, stream=True, timeout=self._timeout, **route) as answer,
            ):
                body = bounded(
                    answer,
                    LARGEST_ANSWER + 1,
                    seconds=self._patience,
                    stopwatch=self._stopwatch,
                )
                return answer.status_code, answer.headers, body
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = NetworkError.of(error, self._question.where)
        # Raised out here: as its context the library's error, which holds the request and so the
        # token, would travel along into any report of it, even after `from None`.
        raise failure
