"""The one public port: tells STS calls from OSS requests, and hands each to its side."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from sts_server.sandbox.oss.answer import Receive, Send
from sts_server.sandbox.oss.service import OssService
from sts_server.sandbox.sts.service import StsService

MAX_FORM_BYTES = 256 * 1024
FORM = "application/x-www-form-urlencoded"


class Door:
    """An ASGI application: STS is path `/` with an `Action`, all else is OSS.

    Args:
        oss: The OSS side.
        sts: The STS side.
    """

    def __init__(self, oss: OssService, sts: StsService) -> None:
        self._oss = oss
        self._sts = sts

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connection are not served."""
        if scope["type"] != "http":
            return
        form = b""
        if scope["raw_path"] == b"/":
            if _is_form(scope):
                read = await _read(receive)
                if read is None:
                    return
                form = read
            if _names_action(scope["query_string"]) or _names_action(form):
                await self._sts(scope, form, send)
                return
        await self._oss(scope, receive, send)


def _is_form(scope: Mapping[str, Any]) -> bool:
    kind: bytes = dict(scope["headers"]).get(b"content-type", b"")
    is_form = kind.decode("latin-1").partition(";")[0].strip().lower() == FORM
    return is_form and bool(scope["method"] == "POST")


def _names_action(raw: bytes) -> bool:
    return any(name == "Action" for name, _ in parse_qsl(raw.decode("latin-1"), True))


async def _read(receive: Receive) -> bytes | None:
    """Read a form, at most so much of it that no honest call is cut; None if the client left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > MAX_FORM_BYTES:
            return bytes(body[:MAX_FORM_BYTES])
