"""An upload in parts: initiate, upload each part, complete or abort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sts_client.errors import BadAnswer
from sts_client.objects.address import check_key
from sts_client.objects.call import NO_CONTENT, OK, Call
from sts_client.objects.documents import document, element, found, parsed, text
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.operations.writing import PutResult, stored
from sts_client.objects.payload import Payload
from sts_client.objects.refusal import LARGEST_BODY
from sts_client.objects.steps import Steps, read

LARGEST_LISTING = 1024 * 1024
"""Bytes; a thousand parts stay well below."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that OSS has.

    Attributes:
        number: from 1 to 10,000; parts are joined in this order.
        etag: verbatim.
        size: in bytes.
        crc64: as OSS computed it, None if it sent none.
    """

    number: int
    etag: str
    size: int
    crc64: int | None


def initiate(key: str, headers: Mapping[str, str]) -> Steps[str]:
    """InitiateMultipartUpload: return the id of a new upload.

    Not said twice: the first one, if only its answer was lost, could not be aborted by anybody.
    """
    call = Call("POST", check_key(key), query=(("uploads", ""),), headers=headers, repeatable=False)
    answer = yield from exchange(call)
    body = yield from read(answer, LARGEST_BODY)
    return found(parsed(body, "InitiateMultipartUploadResult", str(call)), "UploadId", str(call))


def upload_part(key: str, upload_id: str, number: int, payload: Payload) -> Steps[Part]:
    """UploadPart. Said twice, the second replaces the first."""
    call = Call(
        "PUT",
        check_key(key),
        query=(("partNumber", str(number)), ("uploadId", upload_id)),
        payload=payload,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
    result = stored(key, answer, payload.crc64)
    return Part(number, result.etag, payload.length or 0, payload.crc64)


def complete(
    key: str, upload_id: str, parts: Sequence[Part], headers: Mapping[str, str]
) -> Steps[PutResult]:
    """CompleteMultipartUpload: join parts, in the order given, to the object.

    Not said twice: the first one, if only its answer was lost, has ended the upload.
    """
    each = (
        element("Part", text("PartNumber", str(part.number)), text("ETag", part.etag))
        for part in parts
    )
    call = Call(
        "POST",
        check_key(key),
        query=(("uploadId", upload_id),),
        headers={**headers, "Content-Type": "application/xml"},
        payload=Payload(document("CompleteMultipartUpload", each)),
        repeatable=False,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
    return stored(key, answer, None)


def abort(key: str, upload_id: str) -> Steps[None]:
    """AbortMultipartUpload."""
    call = Call(
        "DELETE", check_key(key), frozenset({OK, NO_CONTENT}), query=(("uploadId", upload_id),)
    )
    answer = yield from exchange(call)
    yield from settle(answer)


def parts(key: str, upload_id: str) -> Steps[list[Part]]:
    """ListParts: all that an upload has."""
    every: list[Part] = []
    marker = "0"
    while True:
        query = (("max-parts", "1000"), ("part-number-marker", marker), ("uploadId", upload_id))
        call = Call("GET", check_key(key), query=query)
        answer = yield from exchange(call)
        page = parsed((yield from read(answer, LARGEST_LISTING)), "ListPartsResult", str(call))
        for part in page.iter("Part"):
            number, size = found(part, "PartNumber", str(call)), found(part, "Size", str(call))
            crc = part.findtext("HashCrc64ecma") or ""
            if not (number.isdecimal() and size.isdecimal()):
                raise BadAnswer(f"{call}: a part's number or size is none")
            etag = found(part, "ETag", str(call))
            every.append(Part(int(number), etag, int(size), int(crc) if crc.isdecimal() else None))
        following = page.findtext("NextPartNumberMarker") or ""
        if page.findtext("IsTruncated") != "true":
            return every
        if not following.isdecimal() or int(following) <= int(marker):
            raise BadAnswer(f"{call}: the listing goes in a circle")
        marker = following
