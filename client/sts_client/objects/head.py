"""What OSS says about an object before, or instead of, its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sts_client.errors import BadAnswer
from sts_client.objects.byte_range import ByteRange, whole_size


@dataclass(frozen=True, slots=True)
class Head:
    """What OSS says about an object.

    Attributes:
        key: its name.
        etag: verbatim, quotes included; "" if OSS sent none.
        size: of the whole object in bytes.
        length: of the body that comes with this answer, or would if it were no HEAD; less than
            `size` where a range was asked for.
        last_modified: aware, to the second; None if OSS sent none.
        content_type: as stored.
        metadata: the user's own, names in lower case without ``x-oss-meta-``.
        crc64: of the whole object, None if OSS sent none.
        request_id: what Alibaba Cloud's support asks for.
    """

    key: str
    etag: str
    size: int
    length: int
    last_modified: datetime | None
    content_type: str
    metadata: Mapping[str, str]
    crc64: int | None
    request_id: str


@dataclass(frozen=True, slots=True)
class NotModified:
    """The answer to a conditional read whose object is the one that the caller knows.

    Attributes:
        key: the object's name.
        etag: verbatim, or "" where OSS does not repeat it.
        request_id: what Alibaba Cloud's support asks for.
    """

    key: str
    etag: str
    request_id: str


def head_of(key: str, headers: Mapping[str, str], byte_range: ByteRange | None = None) -> Head:
    """Read the headers of a GET or HEAD.

    Args:
        key: the object's name.
        headers: by case-insensitive names.
        byte_range: what was asked for, which then has to be what is announced.

    Raises:
        BadAnswer: there is no length, a header is not what it should be, or it is another range.
    """
    try:
        length = _number(headers["Content-Length"])
        modified = headers.get("Last-Modified")
        crc = headers.get("x-oss-hash-crc64ecma")
        head = Head(
            key=key,
            etag=headers.get("ETag", ""),
            size=length,
            length=length,
            last_modified=_time(modified) if modified else None,
            content_type=headers.get("Content-Type", ""),
            metadata={
                name.lower().removeprefix("x-oss-meta-"): value
                for name, value in headers.items()
                if name.lower().startswith("x-oss-meta-")
            },
            crc64=_number(crc) if crc else None,
            request_id=headers.get("x-oss-request-id", ""),
        )
    except (KeyError, OverflowError, ValueError):
        raise BadAnswer(
            f"the answer about {key!r} lacks a length or has a malformed header: a proxy may have "
            f"changed it"
        ) from None
    if byte_range is None:
        return head
    size = whole_size(byte_range, headers.get("Content-Range", ""), length)
    if size is None:
        raise BadAnswer(
            f"the answer about {key!r} is not the range that was asked for: a proxy may have "
            f"changed it"
        )
    return replace(head, size=size)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _time(text: str) -> datetime:
    found = parsedate_to_datetime(text)
    # HTTP knows no zone but GMT; taken for local time, -0000 would mean something else everywhere.
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def not_modified_of(key: str, headers: Mapping[str, str]) -> NotModified:
    """Read the headers of a 304."""
    return NotModified(key, headers.get("ETag", ""), headers.get("x-oss-request-id", ""))
