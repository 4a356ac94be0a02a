"""The vending server as a source of leases: one GET, no state kept between two of them."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NoReturn, Protocol
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from sts_client.credentials import Lease
from sts_client.errors import BadLease, NetworkError, TokenUnavailable, UsageError
from sts_client.source.answer import lease_of
from sts_client.source.body import bounded
from sts_client.source.origin import check_text, secure_origin
from sts_client.source.refusal import refusal_of
from sts_client.source.route import route_to

LARGEST_ANSWER = 64 * 1024
"""Bytes; a lease has about two thousand."""

Token = str | Callable[[], str]
"""A bearer token, or a function that returns the present one and is called for each lease."""


class LeaseSource(Protocol):
    """Whatever hands out leases."""

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a new lease; `refused` is the AccessKey id of one that OSS did not accept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask for. Everything but the grant only narrows what the grant gives.

    Attributes:
        grant: name of a right in the vending server's configuration.
        prefix: a folder ending in ``/`` or one exact object, or None for all of the grant.
        actions: some of ``get``, ``put``, ``list``, ``delete``, or None for all of the grant.
        duration: seconds the lease should live, or None for the grant's own.

    Raises:
        UsageError: no grant, actions that are no list, or what is no text.
    """

    grant: str
    prefix: str | None = None
    actions: Sequence[str] | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        if not self.grant:
            raise UsageError("the grant has no name: ask the server's operator for one")
        if isinstance(self.actions, str):
            # Else it would be taken for the list of its letters.
            raise UsageError("actions are a list such as ['get', 'put'], not one text")
        for text in (self.grant, self.prefix or "", *(self.actions or ())):
            check_text(text, what="the wish")

    def query(self) -> dict[str, str]:
        """Return the parameters of the request."""
        found: dict[str, str] = {}
        if self.prefix is not None:
            found["prefix"] = self.prefix
        if self.actions is not None:
            found["actions"] = ",".join(self.actions)
        if self.duration is not None:
            found["duration"] = str(self.duration)
        return found


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
        parts = secure_origin(address, what="the vending server's address", allow_http=allow_http)
        self._where = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path.rstrip('/')}/v1/credentials/{quote(wish.grant, safe='')}"
        self._wish = wish
        self._token = token
        self._allow_http = allow_http
        self._timeout = timeout
        self._patience = patience
        self._clock = clock
        self._stopwatch = stopwatch

    def __repr__(self) -> str:
        return f"VendingServer({self._where!r}, {self._wish!r})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a VendingServer holds a token and is not pickled: make one per process")

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
        query = self._wish.query()
        if refused is not None:
            query["refused"] = refused
        bearer = _Bearer(self._present_token())
        started = self._clock()
        status, headers, body = self._ask(query, bearer)
        midpoint = (started + self._clock()) / 2
        if status != requests.codes.ok:
            raise refusal_of(status, headers, body, self._where)
        if len(body) > LARGEST_ANSWER:
            raise BadLease(f"{self._where} answered with more than any lease has: wrong address?")
        return lease_of(body, midpoint=midpoint, allow_http=self._allow_http)

    def _ask(
        self, query: dict[str, str], bearer: "_Bearer"
    ) -> tuple[int, "requests.structures.CaseInsensitiveDict[str]", bytes]:
        try:
            # An adapter, not a session: that would look into ~/.netrc, and reads a redirect to its
            # end even where it does not follow. It serves for one request: leases are too rare to
            # keep a connection, which after a fork two processes would share.
            request = requests.Request(
                "GET",
                self._where + self._path,
                params=query,
                auth=bearer,
                headers={"Accept": "application/json, application/problem+json"},
            ).prepare()
            route = route_to(self._where)
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
            failure = NetworkError.of(error, self._where)
        # Raised out here: as its context the library's error, which holds the request and so the
        # token, would travel along into any report of it, even after `from None`.
        raise failure

    def _present_token(self) -> str:
        token: object = self._token
        if callable(token):
            try:
                token = token()
            except UsageError:
                raise  # says itself what to do
            except Exception as error:
                raise TokenUnavailable(
                    f"the token function raised {type(error).__name__}: see its cause"
                ) from error
        if not isinstance(token, str) or not token or not _is_header_text(token):
            raise UsageError("the bearer token must be a line of visible ASCII characters")
        return token


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


@dataclass(frozen=True, slots=True)
class _Bearer(AuthBase):
    """RFC 6750, section 2.1."""

    token: str = field(repr=False)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r
