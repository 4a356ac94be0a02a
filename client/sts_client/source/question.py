"""A question to the vending server: how a wish is asked, and what the answer means. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from sts_client.credentials import Lease
from sts_client.errors import BadLease
from sts_client.source.answer import lease_of
from sts_client.source.origin import secure_origin
from sts_client.source.refusal import refusal_of
from sts_client.source.wish import Wish

LARGEST_ANSWER = 64 * 1024
"""Bytes; a lease has about two thousand."""


class Question:
    """One wish at one server.

    Args:
        address: ``https://host``, perhaps with a path under which the server lives.
        wish: what to ask for.
        allow_http: accept ``http://`` to other machines, here and for the lease's endpoint.

    Attributes:
        where: scheme and host, perhaps a port.

    Raises:
        UsageError: the address would show the token to the network, or is none.
    """

    def __init__(self, address: str, wish: Wish, *, allow_http: bool) -> None:
        parts = secure_origin(address, what="the vending server's address", allow_http=allow_http)
        self.where = f"{parts.scheme}://{parts.netloc}"
        grant = quote(wish.grant, safe="")
        self._url = f"{self.where}{parts.path.rstrip('/')}/v1/credentials/{grant}"
        self._wish = wish
        self._allow_http = allow_http

    def request(self, bearer: str, refused: str | None) -> requests.PreparedRequest:
        """Return the request; its header with the token is for nobody but the server.

        Args:
            bearer: the token.
            refused: AccessKey id of a lease that OSS rejected, so that the server drops it.
        """
        query = self._wish.query()
        if refused is not None:
            query["refused"] = refused
        return requests.Request(
            "GET",
            self._url,
            params=query,
            auth=_Bearer(bearer),
            headers={"Accept": "application/json, application/problem+json"},
        ).prepare()

    def lease(
        self, status: int, headers: Mapping[str, str], body: bytes, *, midpoint: float
    ) -> Lease:
        """Read the answer.

        Args:
            status: HTTP status.
            headers: by case-insensitive names.
            body: at most one byte more than `LARGEST_ANSWER`.
            midpoint: local time halfway between question and answer.

        Raises:
            VendingError: the server refused, or sent no lease.
        """
        if status != requests.codes.ok:
            raise refusal_of(status, headers, body, self.where)
        if len(body) > LARGEST_ANSWER:
            raise BadLease(f"{self.where} answered with more than any lease has: wrong address?")
        return lease_of(body, midpoint=midpoint, allow_http=self._allow_http)


@dataclass(frozen=True, slots=True)
class _Bearer(AuthBase):
    """RFC 6750, section 2.1."""

    token: str = field(repr=False)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r
