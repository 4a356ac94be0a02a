"""The requests: each signed with the present lease, and tried once more if OSS calls it over."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, get_args

import requests
import urllib3

from sts_client.credentials import Lease, Style
from sts_client.errors import (
    BadAnswer,
    ChecksumMismatch,
    OssError,
    TimedOut,
    TruncatedBody,
    UsageError,
)
from sts_client.objects.address import Address, address_of, check_endpoint, check_key
from sts_client.objects.byte_range import ByteRange, range_headers
from sts_client.objects.head import Head, NotModified, head_of, not_modified_of
from sts_client.objects.listing import Page, page_of
from sts_client.objects.payload import Data, Payload
from sts_client.objects.reading import Object
from sts_client.objects.refusal import LARGEST_BODY, STALE_LEASE, WRONG_TIME, refusal_of
from sts_client.objects.transport import Transport
from sts_client.provider import Provider
from sts_client.signing import Query, SigningKeys, V4Auth
from sts_client.source import bounded, check_text

LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes; a thousand keys of the greatest length, all of them encoded, stay well below."""

_OK = 200
_PARTIAL = 206
_NO_CONTENT = 204
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class PutResult:
    """What OSS says about an object that it has stored.

    Attributes:
        etag: verbatim, quotes included.
        crc64: as OSS computed it, equal to that of the bytes sent; None if it sent none.
        request_id: what Alibaba Cloud's support asks for.
        version_id: in a bucket with versions, else None.
    """

    etag: str
    crc64: int | None
    request_id: str
    version_id: str | None


@dataclass(frozen=True, slots=True)
class _Call:
    """One request before it is addressed and signed."""

    method: str
    key: str
    success: frozenset[int]
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Payload | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.key!r}" if self.key else f"{self.method} of the listing"


class Objects:
    """The objects of the bucket that a provider's leases name; safe to share between threads.

    Args:
        provider: leases come from here, anew for each request.
        endpoint: used in place of the lease's.
        style: used in place of the lease's.
        allow_http: accept an ``http://`` endpoint on another machine.
        timeout: seconds to wait for a connection, and for each part of an answer.
        patience: seconds to wait for the whole body of an answer that is no object.
        clock: returns seconds since the epoch.
        stopwatch: returns seconds that no correction of the clock changes.

    Raises:
        UsageError: the endpoint is none, or would show the security token to the network, or the
            style is none.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        endpoint: str | None = None,
        style: Style | None = None,
        allow_http: bool = False,
        timeout: tuple[float, float] = (10.0, 60.0),
        patience: float = 120.0,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        if endpoint is not None:
            check_endpoint(endpoint, allow_http=allow_http)
        if style is not None and style not in get_args(Style):
            raise UsageError(f"style is one of {', '.join(get_args(Style))}")
        self._provider = provider
        self._endpoint = endpoint
        self._style = style
        self._allow_http = allow_http
        self._patience = patience
        self._clock = clock
        self._stopwatch = stopwatch
        self._transport = Transport(timeout)
        self._keys = SigningKeys()
        self._addressed: tuple[Lease, Address] | None = None

    def get(
        self, key: str, headers: Mapping[str, str], byte_range: ByteRange | None = None
    ) -> Object | NotModified:
        """GetObject. The body is read from the answer, see `Object`."""
        # identity: OSS would else compress some types on the way, and leave out length, ETag
        # and CRC-64 with them ("GetObject", Accept-Encoding).
        sent = {**headers, "Accept-Encoding": "identity"}
        success = _OK
        if byte_range is not None:
            sent |= range_headers(byte_range)
            success = _PARTIAL
        answer = self._exchange(_Call("GET", check_key(key), _or_304(success, sent), headers=sent))
        if answer.status_code == _NOT_MODIFIED:
            self._done_with(answer)
            return not_modified_of(key, answer.headers)
        try:
            head = head_of(key, answer.headers, byte_range)
        except BadAnswer:
            answer.close()
            raise
        return Object(head, answer, whole=byte_range is None)

    def head(self, key: str, headers: Mapping[str, str]) -> Head | NotModified:
        """HeadObject."""
        call = _Call("HEAD", check_key(key), _or_304(_OK, headers), headers=headers)
        answer = self._exchange(call)
        self._done_with(answer)
        if answer.status_code == _NOT_MODIFIED:
            return not_modified_of(key, answer.headers)
        return head_of(key, answer.headers)

    def put(self, key: str, data: Data, headers: Mapping[str, str]) -> PutResult:
        """PutObject. The CRC-64 of what was sent is compared with that of what was stored."""
        payload = Payload(data)
        call = _Call("PUT", check_key(key), frozenset({_OK}), headers=headers, payload=payload)
        answer = self._exchange(call)
        self._done_with(answer)
        crc = answer.headers.get("x-oss-hash-crc64ecma")
        if crc is not None and crc != str(payload.crc64):
            raise ChecksumMismatch(
                f"OSS stored {key!r} with another CRC-64 than was sent: what is there now is "
                f"damaged, put it again"
            )
        return PutResult(
            etag=answer.headers.get("ETag", ""),
            crc64=None if crc is None else payload.crc64,
            request_id=answer.headers.get("x-oss-request-id", ""),
            version_id=answer.headers.get("x-oss-version-id"),
        )

    def delete(self, key: str) -> None:
        """DeleteObject. An object that is not there counts as deleted, as OSS has it."""
        self._done_with(
            self._exchange(_Call("DELETE", check_key(key), frozenset({_OK, _NO_CONTENT})))
        )

    def page(
        self, prefix: str | None, delimiter: str | None = None, token: str | None = None
    ) -> Page:
        """ListObjectsV2: one page of at most 1,000 entries; prefix None is the lease's own."""
        for text in (prefix or "", delimiter or "", token or ""):
            check_text(text, what="a prefix or delimiter")
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000")]
        query.append(("prefix", self._provider.lease().prefix if prefix is None else prefix))
        if delimiter:
            query.append(("delimiter", delimiter))
        if token:
            query.append(("continuation-token", token))
        with self._exchange(_Call("GET", "", frozenset({_OK}), query=query)) as answer:
            body = self._body(answer, LARGEST_PAGE + 1)
        if len(body) > LARGEST_PAGE:
            raise BadAnswer("a page of the listing is larger than OSS makes them")
        return page_of(body)

    def close(self) -> None:
        """Close idle connections; the next request opens new ones."""
        self._transport.close()

    def _exchange(self, call: _Call) -> requests.Response:
        """Send a call, with a second lease if OSS does not accept the first one."""
        lease = self._provider.lease()
        try:
            return self._attempt(call, lease)
        except OssError as error:
            # Told in any case, so that whatever comes next has a lease that works.
            if error.code in STALE_LEASE:
                lease = self._provider.refused(lease.credentials.access_key_id)
            elif error.code == WRONG_TIME:
                lease = self._provider.mistimed(lease)
            else:
                raise
            if call.payload is not None and not call.payload.rewind():
                raise type(error)(
                    f"{error}; its data cannot be read a second time: put it again, there is a new "
                    f"lease",
                    status=error.status,
                    code=error.code,
                    ec=error.ec,
                    request_id=error.request_id,
                ) from None
        return self._attempt(call, lease)

    def _attempt(self, call: _Call, lease: Lease) -> requests.Response:
        answer = self._transport.send(self._prepared(call, lease))
        if answer.status_code in call.success:
            return answer
        if answer.status_code == _OK:
            answer.close()
            raise BadAnswer(f"{call}: the range was ignored, a proxy may have taken it out")
        if answer.status_code == _NOT_MODIFIED:
            answer.close()
            raise BadAnswer(f"{call}: not modified, says the answer, and nobody had asked for that")
        body = b""
        with answer, suppress(TimedOut, TruncatedBody):
            body = self._body(answer, LARGEST_BODY)
        raise refusal_of(answer.status_code, answer.headers, body, str(call))

    def _done_with(self, answer: requests.Response) -> None:
        """Let go of an answer whose body does not matter; unread it would cost its connection.

        What it says is in its head, so a body that breaks off changes nothing.
        """
        with answer, suppress(TimedOut, TruncatedBody):
            self._body(answer, LARGEST_BODY)

    def _body(self, answer: requests.Response, most: int) -> bytes:
        try:
            return bounded(answer, most, seconds=self._patience, stopwatch=self._stopwatch)
        except (urllib3.exceptions.HTTPError, OSError):
            raise TruncatedBody("the connection broke within an answer: try again") from None

    def _prepared(self, call: _Call, lease: Lease) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.prepare_method(call.method)
        # Set, not prepared: that would decode parts of the key and resolve its dots.
        prepared.url = self._address(lease).url(call.key, call.query)
        prepared.prepare_headers(call.headers)
        if call.payload is not None:
            body: Any = call.payload.chunks()  # which the library takes, its annotation does not
            prepared.body = body
            if call.payload.length is None:
                prepared.headers["Transfer-Encoding"] = "chunked"
            else:
                prepared.headers["Content-Length"] = str(call.payload.length)
        auth = V4Auth(
            lease.credentials,
            region=lease.region,
            bucket=lease.bucket,
            key=call.key,
            now=self._clock() + lease.offset,
            query=call.query,
            keys=self._keys,
        )
        return auth(prepared)

    def _address(self, lease: Lease) -> Address:
        known = self._addressed
        if known is None or known[0] is not lease:
            address = address_of(
                lease, endpoint=self._endpoint, style=self._style, allow_http=self._allow_http
            )
            known = self._addressed = (lease, address)
        return known[1]


def _or_304(status: int, headers: Mapping[str, str]) -> frozenset[int]:
    """Return which answers are none to wonder at: a 304 only where a condition asks for it."""
    asked = "If-None-Match" in headers or "If-Modified-Since" in headers
    return frozenset({status, _NOT_MODIFIED}) if asked else frozenset({status})
