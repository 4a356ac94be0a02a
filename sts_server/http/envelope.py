"""The envelope of every exchange: request ids going in, security headers coming out."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sts_server import logs

REQUEST_ID: Final = b"x-request-id"

_HEADERS = (
    # Keys are for one pair of eyes: no cache, shared or private, may hold them.
    (b"cache-control", b"no-store"),
    # Nothing here is a page, a script or a frame; but for the page (page.py), which says so.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_CLIENTS_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def new_id() -> str:
    """Make a request id: 128 random bits, written as a UUID is, as STS's own."""
    digits = os.urandom(16).hex().upper()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def sealed(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """Add to an answer's headers what every answer carries, unless it says otherwise itself."""
    own = [*headers]
    said = {name for name, _ in own}
    common = (header for header in _HEADERS if header[0] not in said)
    return [*own, *common, (REQUEST_ID, request_id.encode())]


class Envelope:
    """Wraps an application: sets `state.request_id`, and headers on whatever is answered.

    `state.client_request_id` is what the client calls the request, for the log, if that is one id
    that nobody can forge a line with; else None.
    """

    def __init__(self, app: ASGIApp, *, new_id: Callable[[], str] = new_id) -> None:
        """Wrap `app`; `new_id` makes request ids."""
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["client_request_id"] = _clients_id(scope["headers"])
        logs.request_id.set(request_id)

        async def seal(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = sealed(message["headers"], request_id)
            await send(message)

        await self._app(scope, receive, seal)


def _clients_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    ids = [value for name, value in headers if name == REQUEST_ID]
    return ids[0].decode() if len(ids) == 1 and _CLIENTS_ID.fullmatch(ids[0]) else None
