"""Writing one object: PutObject, AppendObject, DeleteObject."""

from collections.abc import Mapping
from dataclasses import dataclass

from sts_client.errors import BadAnswer, ChecksumMismatch, UsageError
from sts_client.objects.address import check_key
from sts_client.objects.call import NO_CONTENT, OK, Call
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.payload import Payload
from sts_client.objects.put_headers import FORBID_OVERWRITE
from sts_client.objects.steps import Answer, Steps


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
class AppendResult:
    """What OSS says about an object that it has made longer.

    Attributes:
        next_position: where the next append has to begin: the object's length.
        crc64: of the whole object as OSS computed it, None if it sent none.
        request_id: what Alibaba Cloud's support asks for.
    """

    next_position: int
    crc64: int | None
    request_id: str


def put(key: str, payload: Payload, headers: Mapping[str, str]) -> Steps[PutResult]:
    """PutObject. The CRC-64 of what was sent is compared with that of what was stored."""
    call = Call(
        "PUT",
        check_key(key),
        headers=headers,
        payload=payload,
        # Said twice, it could meet the object that the first one made.
        repeatable=FORBID_OVERWRITE not in headers,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
    return stored(key, answer, payload.crc64)


def append(
    key: str, payload: Payload, position: int, headers: Mapping[str, str]
) -> Steps[AppendResult]:
    """AppendObject. Its answer has the CRC-64 of the whole: that of the data only at position 0."""
    if position < 0:
        raise UsageError("a position is the object's length so far, from 0")
    call = Call(
        "POST",
        check_key(key),
        query=(("append", ""), ("position", str(position))),
        headers=headers,
        payload=payload,
        # Said twice, it would meet an object that the first one made longer.
        repeatable=False,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
    result = stored(key, answer, payload.crc64 if position == 0 else None)
    following = answer.headers.get("x-oss-next-append-position", "")
    if not following.isascii() or not following.isdecimal():
        raise BadAnswer(f"the answer about {key!r} does not say where the next append begins")
    return AppendResult(int(following), result.crc64, result.request_id)


def delete(key: str) -> Steps[None]:
    """DeleteObject. An object that is not there counts as deleted, as OSS has it."""
    call = Call("DELETE", check_key(key), frozenset({OK, NO_CONTENT}))
    answer = yield from exchange(call)
    yield from settle(answer)


def stored(key: str, answer: Answer, sent: int | None) -> PutResult:
    """Read the answer to a write.

    Args:
        key: what was written.
        answer: with the CRC-64 of what is there now.
        sent: the CRC-64 of what should be there, None if that is not known.

    Raises:
        ChecksumMismatch: OSS has stored something else.
        BadAnswer: its CRC-64 is no number.
    """
    said = answer.headers.get("x-oss-hash-crc64ecma")
    if said is not None and (not said.isascii() or not said.isdecimal()):
        raise BadAnswer(f"the answer about {key!r} has a malformed header")
    crc = None if said is None else int(said)
    if sent is not None and crc is not None and crc != sent:
        raise ChecksumMismatch(
            f"OSS stored {key!r} with another CRC-64 than was sent: what is there now is "
            f"damaged, put it again"
        )
    return PutResult(
        etag=answer.headers.get("ETag", ""),
        crc64=crc,
        request_id=answer.headers.get("x-oss-request-id", ""),
        version_id=answer.headers.get("x-oss-version-id"),
    )
