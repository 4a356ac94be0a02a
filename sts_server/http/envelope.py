"""The envelope of every exchange: a request id going in, security headers coming out."""

import uuid
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sts_server import logs

REQUEST_ID: Final = b"x-request-id"

_HEADERS = (
    # Keys are for one pair of eyes: no cache, shared or private, may hold them.
    (b"cache-control", b"no-store"),
    # Nothing here is a page, a script or a frame.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def _new_id() -> str:
    return str(uuid.uuid4()).upper()


class Envelope:
    """Wraps an application: sets `state.request_id`, and headers on whatever is answered."""

    def __init__(self, app: ASGIApp, *, new_id: Callable[[], str] = _new_id) -> None:
        """Wrap `app`; `new_id` makes request ids."""
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        logs.request_id.set(request_id)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                identified = (REQUEST_ID, request_id.encode())
                message["headers"] = [*message["headers"], *_HEADERS, identified]
            await send(message)

        await self._app(scope, receive, sealed)
