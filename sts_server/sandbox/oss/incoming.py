"""The body of a request on its way into the store, whole and right or refused."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Mapping

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.answer import Receive
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.store.record import Digest
from sts_server.sandbox.store.upload import Upload

MAX_PUT_BYTES = 5 * 1024**3
MD5_BYTES = 16
BATCH_BYTES = 1024**2  # one hop to a disk thread carries so much


async def take_in(call: Call, upload: Upload, limit: int = MAX_PUT_BYTES) -> Digest:
    """Write a whole request body to a new file.

    Args:
        call: The call whose body it is.
        upload: The file.
        limit: How many bytes it may be.

    Raises:
        OssError: It is too large, or not what Content-MD5 says.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    check_length(call.header, limit)
    md5 = content_md5(call.header)
    async for batch in _batches(call.receive, limit):
        await upload.write(batch)
    digest = await upload.finish()
    check_md5(call.header, md5, digest.md5)
    return digest


def check_length(headers: Mapping[str, str], limit: int = MAX_PUT_BYTES) -> None:
    """Refuse a body whose length is not said, or too much.

    Raises:
        OssError: So it is.
    """
    length = headers.get("content-length")
    if length is None and headers.get("transfer-encoding", "").lower() != "chunked":
        raise OssError(411, "MissingContentLength", "You must provide the Content-Length header.")
    if length is not None and int(length) > limit:
        raise too_large(int(length), limit)


def content_md5(headers: Mapping[str, str]) -> bytes | None:
    """Read the Content-MD5 header.

    Raises:
        OssError: It is not the base64 of 16 bytes.
    """
    header = headers.get("content-md5")
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


def check_md5(headers: Mapping[str, str], wanted: bytes | None, found: bytes) -> None:
    """Refuse a body that is not what Content-MD5 says.

    Raises:
        OssError: They differ.
    """
    if wanted is not None and not hmac.compare_digest(wanted, found):
        raise OssError(
            400,
            "InvalidDigest",
            "The Content-MD5 you specified did not match what was received.",
            details={"Content-MD5": headers["content-md5"]},
        )


def too_large(size: int, limit: int) -> OssError:
    """Refuse a body of so many bytes."""
    return OssError(
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed object size.",
        details={"MaxSizeAllowed": str(limit), "ProposedSize": str(size)},
    )


async def _batches(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """Gather a request body into large pieces.

    Raises:
        DisconnectedError: The client went away before the end.
        OssError: It is more than is taken.
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
        if total > limit:
            raise too_large(total, limit)
        if gathered >= BATCH_BYTES or not more:
            yield b"".join(pieces)
            pieces.clear()
            gathered = 0
