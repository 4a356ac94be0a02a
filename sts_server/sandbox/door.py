"""The one public port: tells STS calls from OSS requests, and hands each to its side."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from sts_server.sandbox.oss.addressing import Names, host_of, is_sts, names_bucket
from sts_server.sandbox.oss.answer import Receive, Send

OssApp = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]
StsApp = Callable[[Mapping[str, Any], bytes, Send], Awaitable[None]]

MAX_FORM_BYTES = 256 * 1024
FORM = "application/x-www-form-urlencoded"


class Door:
    """An ASGI application: STS is path `/`, no bucket in the host, an action; all else is OSS.

    Args:
        oss: The OSS side, faults included.
        sts: The STS side, likewise.
        domain: Buckets are `<bucket>.<domain>`.
    """

    def __init__(self, oss: OssApp, sts: StsApp, domain: str = "localhost") -> None:
        self._oss = oss
        self._sts = sts
        self._names = Names(domain)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connection are not served."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        host = host_of(headers)
        if not is_sts(host) and (scope["raw_path"] != b"/" or names_bucket(host, self._names)):
            await self._oss(scope, receive, send)
            return
        body = b""
        acs = b"x-acs-action" in headers
        if scope["method"] == "POST" and (acs or _is_form(headers)):
            read = await _read(receive)
            if read is None:
                return
            body, complete = read
            receive = _replayed(body, receive, complete=complete)
        form = body if _is_form(headers) else b""
        if is_sts(host) or acs or _names_action(scope["query_string"]) or _names_action(form):
            await self._sts(scope, body, send)
            return
        await self._oss(scope, receive, send)


def _replayed(body: bytes, receive: Receive, *, complete: bool) -> Receive:
    """Give back what was read of a body only to see whether it is a call to STS."""
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": not complete}
    ]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


def _is_form(headers: Mapping[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"").decode("latin-1")
    return kind.partition(";")[0].strip().lower() == FORM


def _names_action(raw: bytes) -> bool:
    return any(name == "Action" for name, _ in parse_qsl(raw.decode("latin-1"), True))


async def _read(receive: Receive) -> tuple[bytes, bool] | None:
    """Read a body, or so much of it that no honest call is cut, and say whether that is all.

    None if the client left.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        complete = not message.get("more_body", False)
        if complete or len(body) > MAX_FORM_BYTES:
            return bytes(body), complete
