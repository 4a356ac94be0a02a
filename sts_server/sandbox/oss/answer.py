"""One OSS answer, and how it goes out: headers, error documents, files streamed off the loop."""

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.errors import OTHER_EC, OssError
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.xml import Element, document, elements

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CHUNK_BYTES = 512 * 1024


@dataclass(frozen=True)
class FileBody:
    """A part of an open file; whoever sends it closes it.

    Attributes:
        file: The file, which may have been unlinked since.
        first: Offset of the first byte.
        length: How many bytes.
    """

    file: BinaryIO = field(repr=False)
    first: int
    length: int


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; an empty body for all that has none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileBody = b""


def xml_answer(root: Element) -> Answer:
    """Answer 200 with a document."""
    return Answer(200, {"Content-Type": "application/xml"}, document(root))


def error_answer(error: OssError, *, host: str, request_id: str, head: bool) -> Answer:
    """Render a refusal (OSS: "Error response").

    Args:
        error: The refusal.
        host: The Host header of the request.
        request_id: The request id.
        head: Whether it answers a HEAD, whose document travels in `x-oss-err`.
    """
    texts = {
        "Code": error.code,
        "Message": error.message,
        "RequestId": request_id,
        "HostId": host,
        **error.details,
        "EC": error.ec,
    }
    if error.ec != OTHER_EC:
        texts["RecommendDoc"] = f"https://api.aliyun.com/troubleshoot?q={error.ec}"
    body = document(Element("Error", elements(texts)))
    headers = {"Content-Type": "application/xml", "x-oss-ec": error.ec, **error.headers}
    if head:
        return Answer(error.status, {**headers, "x-oss-err": base64.b64encode(body).decode()})
    return Answer(error.status, headers, body)


async def send_answer(
    answer: Answer, common: Mapping[str, str], receive: Receive, send: Send, store: Store
) -> None:
    """Send an answer.

    Args:
        answer: What to send; its file is closed in any case.
        common: Headers that every answer carries.
        receive: The ASGI receive channel, watched for a client that goes away.
        send: The ASGI send channel.
        store: Whose threads read the file.

    Raises:
        DisconnectedError: The client went away in the middle of a file.
    """
    headers = {**common, **answer.headers}
    bodiless = answer.status in (204, 304)
    if isinstance(answer.body, bytes) and not bodiless:
        headers.setdefault("Content-Length", str(len(answer.body)))
    start = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [
            (name.encode("latin-1"), value.encode(errors="surrogateescape"))
            for name, value in headers.items()
        ],
    }
    if isinstance(answer.body, bytes):
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})
        return
    try:
        await send(start)
        await _send_file(answer.body, receive, send, store)
    finally:
        answer.body.file.close()


async def _send_file(body: FileBody, receive: Receive, send: Send, store: Store) -> None:
    gone = asyncio.create_task(_disconnected(receive))
    handle = body.file.fileno()
    try:
        position, end = body.first, body.first + body.length
        while position < end:
            length = min(CHUNK_BYTES, end - position)
            chunk = await store.on_disk(partial(os.pread, handle, length, position))
            if not chunk or gone.done():
                raise DisconnectedError("the answer was cut short")
            position += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": position < end})
        if body.length == 0:
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
