"""The operations of OSS, each a generator of steps: what is sent, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sts_client.errors import BadAnswer, ChecksumMismatch
from sts_client.objects.address import check_key
from sts_client.objects.byte_range import ByteRange, range_headers
from sts_client.objects.call import NO_CONTENT, NOT_MODIFIED, OK, PARTIAL, Call
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.head import Head, NotModified, head_of, not_modified_of
from sts_client.objects.listing import Page, page_of
from sts_client.objects.payload import Payload
from sts_client.objects.steps import Answer, Close, Steps, present, read
from sts_client.source import check_text

LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes; a thousand keys of the greatest length, all of them encoded, stay well below."""


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
class Opened:
    """An object whose body is about to be read.

    Attributes:
        head: what OSS says about it.
        answer: holds the body.
        whole: whether that is all of the object, not a range of it.
    """

    head: Head
    answer: Answer
    whole: bool


def get(
    key: str, headers: Mapping[str, str], byte_range: ByteRange | None = None
) -> Steps[Opened | NotModified]:
    """GetObject, up to its body."""
    # identity: OSS would else compress some types on the way, and leave out length, ETag
    # and CRC-64 with them ("GetObject", Accept-Encoding).
    sent = {**headers, "Accept-Encoding": "identity"}
    success = OK
    if byte_range is not None:
        sent |= range_headers(byte_range)
        success = PARTIAL
    call = Call("GET", check_key(key), _or_304(success, sent), headers=sent)
    answer = yield from exchange(call)
    if answer.status == NOT_MODIFIED:
        yield from settle(answer)
        return not_modified_of(key, answer.headers)
    try:
        head = head_of(key, answer.headers, byte_range)
    except BadAnswer:
        yield Close(answer)
        raise
    return Opened(head, answer, whole=byte_range is None)


def head(key: str, headers: Mapping[str, str]) -> Steps[Head | NotModified]:
    """HeadObject."""
    call = Call("HEAD", check_key(key), _or_304(OK, headers), headers=headers)
    answer = yield from exchange(call)
    yield from settle(answer)
    if answer.status == NOT_MODIFIED:
        return not_modified_of(key, answer.headers)
    return head_of(key, answer.headers)


def put(key: str, payload: Payload, headers: Mapping[str, str]) -> Steps[PutResult]:
    """PutObject. The CRC-64 of what was sent is compared with that of what was stored."""
    call = Call(
        "PUT",
        check_key(key),
        headers=headers,
        payload=payload,
        # Said twice, it could meet the object that the first one made.
        repeatable="x-oss-forbid-overwrite" not in headers,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
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


def delete(key: str) -> Steps[None]:
    """DeleteObject. An object that is not there counts as deleted, as OSS has it."""
    call = Call("DELETE", check_key(key), frozenset({OK, NO_CONTENT}))
    answer = yield from exchange(call)
    yield from settle(answer)


def page(prefix: str | None, delimiter: str | None = None, token: str | None = None) -> Steps[Page]:
    """ListObjectsV2: one page of at most 1,000 entries; prefix None is the lease's own."""
    for text in (prefix or "", delimiter or "", token or ""):
        check_text(text, what="a prefix or delimiter")
    if prefix is None:
        lease = yield from present()
        prefix = lease.prefix
    query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000")]
    query.append(("prefix", prefix))
    if delimiter:
        query.append(("delimiter", delimiter))
    if token:
        query.append(("continuation-token", token))
    answer = yield from exchange(Call("GET", "", query=query))
    body = yield from read(answer, LARGEST_PAGE + 1)
    if len(body) > LARGEST_PAGE:
        raise BadAnswer("a page of the listing is larger than OSS makes them")
    return page_of(body)


def _or_304(status: int, headers: Mapping[str, str]) -> frozenset[int]:
    """Return which answers are none to wonder at: a 304 only where a condition asks for it."""
    asked = "If-None-Match" in headers or "If-Modified-Since" in headers
    return frozenset({status, NOT_MODIFIED}) if asked else frozenset({status})
