"""The control listener: who may call, and how. Loopback, one token; what calls do is elsewhere."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sts_server.sandbox.switchboard import Call, RefusedError, Switchboard, read_members

MAX_BODY_BYTES = 64 * 1024
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

Endpoint = Callable[[Request], Awaitable[Response]]


class Controls:
    """The door of the control listener.

    Args:
        switchboard: Does what the calls ask for.
        token: What a caller must bear.
        port: The listener's own port; any other in a Host header is foreign.
    """

    def __init__(self, switchboard: Switchboard, token: str, port: int) -> None:
        self._calls = switchboard.calls()
        self._bearer = f"Bearer {token}".encode()
        self._hosts = frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES)

    def app(self) -> Starlette:
        """Build the ASGI application."""
        return Starlette(
            routes=[
                Route(path, self._endpoint(call), methods=[method])
                for (method, path), call in self._calls.items()
            ],
            exception_handlers={HTTPException: _no_such_call},
        )

    def _endpoint(self, call: Call) -> Endpoint:
        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                answer = await call(read_members(await _body(request)))
            except RefusedError as refusal:
                return JSONResponse({"error": str(refusal)}, refusal.status)
            return JSONResponse(answer) if answer else Response(status_code=204)

        return guarded

    def _admit(self, request: Request) -> None:
        """Let in whoever bears the token and is not a page of another site.

        Raises:
            RefusedError: Host or Origin is foreign, or the token is not ours.
        """
        headers = request.headers
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise RefusedError(403, "the Host header is not this listener's")
        if any(
            origin.lower() not in {f"http://{host}" for host in self._hosts} for origin in origins
        ):
            raise RefusedError(403, "the Origin header is not this listener's")
        given = headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._bearer):
            raise RefusedError(401, "the control token is missing or wrong")


async def _no_such_call(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": "there is no such control call"}, status)


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, "the body is too large")
    return body
