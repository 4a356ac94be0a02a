"""CORS: lets the scripts of listed pages read answers, refusals included; others see no sign of it.

Starlette's own leaves `Vary` out where no origin was sent, answers a stranger's preflight itself,
and does not reach answers to faults of our own.
"""

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_VARY = (b"vary", b"Origin")
_EXPOSED = (b"access-control-expose-headers", b"Retry-After, WWW-Authenticate, X-Request-Id")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization, X-Request-Id",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Wraps an application. No cookies: a page proves who is calling as everybody does."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        """Wrap `app`; `origins` are compared byte by byte."""
        self._app = app
        self._origins = _encoded(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = [_VARY]
        origin = _listed(scope, self._origins)
        if origin is not None:
            added += [(b"access-control-allow-origin", origin), _EXPOSED]

        async def shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, shared)


class Preflights:
    """Wraps an application, inside whatever may refuse: answers the preflights of listed pages."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        """Wrap `app`; `origins` are those of `Cors`."""
        self._app = app
        self._origins = _encoded(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        app = self._app
        if scope["type"] == "http" and _is_preflight(scope) and _listed(scope, self._origins):
            app = Response(status_code=204, headers=_PREFLIGHT)
        await app(scope, receive, send)


def _encoded(origins: Iterable[str]) -> frozenset[bytes]:
    return frozenset(origin.encode() for origin in origins)


def _listed(scope: Scope, origins: frozenset[bytes]) -> bytes | None:
    sent = [value for name, value in scope["headers"] if name == b"origin"]
    return sent[0] if len(sent) == 1 and sent[0] in origins else None


def _is_preflight(scope: Scope) -> bool:
    """Whether this is a preflight (Fetch, section 3.3.2)."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )
