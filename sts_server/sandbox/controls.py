"""The control listener: time travel, expiry on demand, requests seen. Loopback, one token."""

import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sts_server.sandbox.accounts import Accounts
from sts_server.sandbox.clock import Clock, iso
from sts_server.sandbox.seen import RequestLog

MAX_BODY_BYTES = 64 * 1024
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

Endpoint = Callable[[Request], Awaitable[Response]]


class RefusedError(Exception):
    """A control call that is answered with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Controls:
    """The handlers of the control listener.

    Args:
        clock: Moved by `POST /clock`.
        accounts: Sessions expire by `POST /expire`.
        log: Shown by `GET /requests`.
        token: What a caller must bear.
        port: The listener's own port; any other in a Host header is foreign.
    """

    def __init__(
        self, clock: Clock, accounts: Accounts, log: RequestLog, token: str, port: int
    ) -> None:
        self._clock = clock
        self._accounts = accounts
        self._log = log
        self._bearer = f"Bearer {token}".encode()
        self._hosts = frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES)

    def app(self) -> Starlette:
        """Build the ASGI application."""
        return Starlette(
            routes=[
                self._route("/clock", self._get_clock, "GET"),
                self._route("/clock", self._post_clock, "POST"),
                self._route("/expire", self._post_expire, "POST"),
                self._route("/requests", self._get_requests, "GET"),
                self._route("/requests", self._delete_requests, "DELETE"),
            ],
            exception_handlers={HTTPException: _no_such_call},
        )

    def _route(self, path: str, endpoint: Endpoint, method: str) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                return await endpoint(request)
            except RefusedError as refusal:
                return JSONResponse({"error": str(refusal)}, refusal.status)

        return Route(path, guarded, methods=[method])

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

    async def _get_clock(self, _request: Request) -> Response:
        return JSONResponse(
            {"now": iso(self._clock.now()), "offset": self._clock.offset.total_seconds()}
        )

    async def _post_clock(self, request: Request) -> Response:
        advance = (await _members(request, "advance")).get("advance")
        if isinstance(advance, bool) or not isinstance(advance, int | float):
            raise RefusedError(400, "advance is a number of seconds")
        try:
            self._clock.advance(timedelta(seconds=advance))
        except (ValueError, OverflowError) as error:
            raise RefusedError(400, f"advance cannot be used: {error}") from None
        return await self._get_clock(request)

    async def _post_expire(self, request: Request) -> Response:
        members = await _members(request, "access_key_id")
        key_id = members.get("access_key_id")
        if key_id is not None and not isinstance(key_id, str):
            raise RefusedError(400, "access_key_id is text")
        return JSONResponse({"expired": self._accounts.expire(key_id)})

    async def _get_requests(self, _request: Request) -> Response:
        return JSONResponse({"requests": self._log.as_json()})

    async def _delete_requests(self, _request: Request) -> Response:
        self._log.clear()
        return Response(status_code=204)


async def _no_such_call(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": "there is no such control call"}, status)


async def _members(request: Request, *allowed: str) -> dict[str, Any]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, "the body is too large")
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is not JSON") from None
    if not isinstance(members, dict):
        raise RefusedError(400, "the body is not a JSON object")
    unknown = sorted(set(members) - set(allowed))
    if unknown:
        raise RefusedError(400, f"unknown member {unknown[0]!r}")
    return members
