"""Reading one object: GetObject and HeadObject."""

from collections.abc import Mapping
from dataclasses import dataclass

from sts_client.errors import BadAnswer, NoSuchKey
from sts_client.objects.address import check_key
from sts_client.objects.byte_range import ByteRange, range_headers
from sts_client.objects.call import NOT_MODIFIED, OK, PARTIAL, Call
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.head import Head, NotModified, head_of, not_modified_of
from sts_client.objects.steps import Answer, Close, Steps


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


def exists(key: str) -> Steps[bool]:
    """HeadObject, for nothing but whether there is one."""
    try:
        yield from head(key, {})
    except NoSuchKey:
        return False
    return True


def _or_304(status: int, headers: Mapping[str, str]) -> frozenset[int]:
    """Return which answers are none to wonder at: a 304 only where a condition asks for it."""
    asked = "If-None-Match" in headers or "If-Modified-Since" in headers
    return frozenset({status, NOT_MODIFIED}) if asked else frozenset({status})
