"""PutObject and DeleteObject: whole or not at all."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Mapping

from sts_server.sandbox.errors import AlreadyExistsError, DisconnectedError
from sts_server.sandbox.oss.answer import Answer, Receive
from sts_server.sandbox.oss.errors import OssError, file_already_exists, invalid_argument
from sts_server.sandbox.oss.headers import checksum_headers, headers_to_keep
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.store import Store

MAX_PUT_BYTES = 5 * 1024**3
MD5_BYTES = 16
BATCH_BYTES = 1024**2  # one hop to a disk thread carries so much


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
    stored = headers_to_keep(headers)
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
    return Answer(200, checksum_headers(record))


async def delete_object(request: OssRequest, store: Store) -> Answer:
    """DeleteObject: 204, whether or not there was one."""
    await store.delete(request.bucket, request.key)
    return Answer(204)


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
