"""The four operations on one object: put, get, head, delete."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from sts_server.sandbox.errors import AlreadyExistsError, DisconnectedError
from sts_server.sandbox.oss.answer import Answer, FileBody
from sts_server.sandbox.oss.conditions import Outcome, http_date, judge
from sts_server.sandbox.oss.errors import (
    OssError,
    file_already_exists,
    header_not_implemented,
    invalid_argument,
    invalid_range,
    no_such_key,
    precondition_failed,
)
from sts_server.sandbox.oss.operations import META, RESPONSE_OVERRIDES
from sts_server.sandbox.oss.ranges import Slice, UnsatisfiableError, resolve
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.store.store import Store

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_PUT_BYTES = 5 * 1024**3
MAX_META_BYTES = 8 * 1024
MD5_BYTES = 16
BATCH_BYTES = 1024**2  # one hop to a disk thread carries so much
STORED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
DEFAULT_CONTENT_TYPE = "application/octet-stream"


async def put_object(request: OssRequest, receive: Receive, store: Store) -> Answer:
    """PutObject: take the body in, and make it an object when all of it is there and right.

    Args:
        request: An authorised request.
        receive: The ASGI receive channel.
        store: Where objects live.

    Raises:
        OssError: The request is wrong, or the key is taken and must not be overwritten.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    headers = request.headers
    _check_length(headers)
    md5 = _content_md5(headers.get("content-md5"))
    forbid = _forbid_overwrite(headers.get("x-oss-forbid-overwrite", "false"))
    stored = _stored_headers(headers)
    async with store.receive() as upload:
        async for batch in _batches(receive):
            await upload.write(batch)
        digest = await upload.finish()
        if md5 is not None and not hmac.compare_digest(md5, digest.md5):
            raise OssError(
                400,
                "InvalidDigest",
                "The Content-MD5 you specified did not match what was received.",
                details={"Content-MD5": headers["content-md5"]},
            )
        try:
            record = await upload.commit(
                request.bucket, request.key, stored, forbid_overwrite=forbid
            )
        except AlreadyExistsError:
            raise file_already_exists(request.key) from None
    return Answer(200, _checksums(record))


async def get_object(request: OssRequest, store: Store) -> Answer:
    """GetObject: the body or a part of it, if the conditions let it be read.

    Raises:
        OssError: There is no such object, a condition fails, or the range is behind the end.
    """
    found = await store.open(request.bucket, request.key)
    if found is None:
        raise no_such_key(request.key)
    record, file = found
    size = record.digest.size
    try:
        headers = _readable(request, record)
        part = None if headers is None else _part(request, size)
    except OssError:
        file.close()
        raise
    if headers is None:
        file.close()
        return Answer(304)
    for parameter, header in RESPONSE_OVERRIDES.items():
        if request.query.get(parameter):
            headers[header] = request.query[parameter]
    if part is None:
        headers["Content-Length"] = str(size)
        return Answer(200, headers, FileBody(file, 0, size))
    headers["Content-Length"] = str(part.length)
    headers["Content-Range"] = part.content_range(size)
    return Answer(206, headers, FileBody(file, part.first, part.length))


async def head_object(request: OssRequest, store: Store) -> Answer:
    """HeadObject: what GetObject would say, without the body.

    Raises:
        OssError: There is no such object, or a condition fails.
    """
    record = await store.query(lambda index: index.find(request.bucket, request.key))
    if record is None:
        raise no_such_key(request.key)
    headers = _readable(request, record)
    if headers is None:
        return Answer(304)
    headers["Content-Length"] = str(record.digest.size)
    return Answer(200, headers)


async def delete_object(request: OssRequest, store: Store) -> Answer:
    """DeleteObject: 204, whether or not there was one."""
    await store.delete(request.bucket, request.key)
    return Answer(204)


def _readable(request: OssRequest, record: Record) -> dict[str, str] | None:
    """Give the headers of an object, or None when its reader has it already.

    Raises:
        OssError: A condition fails.
    """
    verdict = judge(request.headers, record.etag, record.modified)
    if verdict.outcome is Outcome.FAILED:
        raise precondition_failed(verdict.header)
    if verdict.outcome is Outcome.NOT_MODIFIED:
        return None
    return {
        **_checksums(record),
        **{
            name.title() if name in STORED_HEADERS else name: v
            for name, v in record.headers.items()
        },
        "Accept-Ranges": "bytes",
        "Last-Modified": http_date(record.modified),
        "x-oss-object-type": "Normal",
        "x-oss-storage-class": "Standard",
    }


def _part(request: OssRequest, size: int) -> Slice | None:
    behavior = request.headers.get("x-oss-range-behavior")
    if behavior not in (None, "standard"):
        raise invalid_argument("x-oss-range-behavior", behavior, "The only value is standard.")
    header = request.headers.get("range")
    try:
        return resolve(header, size, standard=behavior is not None)
    except UnsatisfiableError:
        raise invalid_range(header or "", size) from None


def _checksums(record: Record) -> dict[str, str]:
    return {
        "Content-MD5": record.content_md5,
        "ETag": f'"{record.etag}"',
        "x-oss-hash-crc64ecma": str(record.digest.crc64),
    }


async def _batches(receive: Receive) -> AsyncIterator[bytes]:
    """Gather a request body into large pieces.

    Raises:
        DisconnectedError: The client went away before the end.
        OssError: It is more than one PutObject takes.
    """
    pieces: list[bytes] = []
    gathered = total = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError("the body was cut short")
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        pieces.append(piece)
        gathered += len(piece)
        total += len(piece)
        if total > MAX_PUT_BYTES:
            raise _too_large(total)
        if gathered >= BATCH_BYTES or not more:
            yield b"".join(pieces)
            pieces.clear()
            gathered = 0


def _check_length(headers: Mapping[str, str]) -> None:
    length = headers.get("content-length")
    if length is None and headers.get("transfer-encoding", "").lower() != "chunked":
        raise OssError(411, "MissingContentLength", "You must provide the Content-Length header.")
    if length is not None and int(length) > MAX_PUT_BYTES:
        raise _too_large(int(length))


def _too_large(size: int) -> OssError:
    return OssError(
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed object size.",
        details={"MaxSizeAllowed": str(MAX_PUT_BYTES), "ProposedSize": str(size)},
    )


def _content_md5(header: str | None) -> bytes | None:
    if header is None:
        return None
    try:
        digest = base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != MD5_BYTES:
        raise OssError(
            400,
            "InvalidDigest",
            "The Content-MD5 you specified was invalid.",
            details={"Content-MD5": header},
        )
    return digest


def _forbid_overwrite(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite", value, "The value is true or false.")
    return value.lower() == "true"


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if headers.get("x-oss-storage-class", "Standard") != "Standard":
        raise header_not_implemented("x-oss-storage-class")
    meta = {name: value for name, value in headers.items() if name.startswith(META)}
    if (
        sum(_wire_length(name) + _wire_length(value) for name, value in meta.items())
        > MAX_META_BYTES
    ):
        raise invalid_argument("x-oss-meta", "", "The user metadata is larger than 8 KB.")
    stored = {name: headers[name] for name in STORED_HEADERS if name in headers}
    return {"content-type": DEFAULT_CONTENT_TYPE, **stored, **meta}


def _wire_length(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
