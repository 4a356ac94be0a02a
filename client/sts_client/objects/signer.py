"""Addresses and signs what goes to the bucket of a lease; whoever sends it gets URL and headers."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

from sts_client.credentials import Lease, Style
from sts_client.errors import UsageError
from sts_client.objects.address import Address, address_of, check_endpoint, check_key
from sts_client.objects.call import Call
from sts_client.objects.signed_url import LONGEST_LIFE, SignedUrl
from sts_client.signing import Query, SigningKeys, V4Auth


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that OSS accepts, as long as nothing in it is changed.

    Attributes:
        method: in capitals.
        url: encoded, to go out byte for byte.
        headers: all of them but Host, those of the signature and of the body's length included.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)


class Signer:
    """Knows where the bucket is and how requests are signed; safe to share between threads.

    Args:
        endpoint: used in place of the lease's.
        style: used in place of the lease's.
        allow_http: accept an ``http://`` endpoint on another machine.
        clock: returns seconds since the epoch.

    Raises:
        UsageError: the endpoint is none, or would show the security token to the network, or the
            style is none.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        style: Style | None = None,
        allow_http: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if endpoint is not None:
            check_endpoint(endpoint, allow_http=allow_http)
        if style is not None and style not in get_args(Style):
            raise UsageError(f"style is one of {', '.join(get_args(Style))}")
        self._endpoint = endpoint
        self._style = style
        self._allow_http = allow_http
        self._clock = clock
        self._keys = SigningKeys()
        self._addressed: tuple[Lease, Address] | None = None

    def signed(self, call: Call, lease: Lease) -> Signed:
        """Address and sign a call; its body is sent beside it."""
        headers = dict(call.headers)
        if call.payload is not None and call.payload.length is None:
            headers["Transfer-Encoding"] = "chunked"
        elif call.payload is not None:
            headers["Content-Length"] = str(call.payload.length)
        headers |= self._auth(lease, call.key, call.query).headers(call.method, headers)
        return Signed(call.method, self._address(lease).url(call.key, call.query), headers)

    def link(
        self,
        lease: Lease,
        method: str,
        key: str,
        query: Query,
        headers: Mapping[str, str],
        seconds: int,
    ) -> SignedUrl:
        """Sign a URL for whoever sends just these headers; it ends with the lease at the latest."""
        now = self._clock() + lease.offset
        if not 1 <= seconds <= LONGEST_LIFE:
            raise UsageError(f"a signed URL lives from 1 to {LONGEST_LIFE} seconds")
        life = min(seconds, int(lease.expiry - now))
        signed = self._auth(lease, check_key(key), query).in_query(method, headers, life)
        return SignedUrl(
            url=self._address(lease).url(key, signed),
            method=method,
            headers=headers,
            expires=datetime.fromtimestamp(now + life, UTC),
        )

    def _auth(self, lease: Lease, key: str, query: Query) -> V4Auth:
        return V4Auth(
            lease.credentials,
            region=lease.region,
            bucket=lease.bucket,
            key=key,
            now=self._clock() + lease.offset,
            query=query,
            keys=self._keys,
        )

    def _address(self, lease: Lease) -> Address:
        known = self._addressed
        if known is None or known[0] is not lease:
            address = address_of(
                lease, endpoint=self._endpoint, style=self._style, allow_http=self._allow_http
            )
            known = self._addressed = (lease, address)
        return known[1]
