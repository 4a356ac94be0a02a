"""Health: whether this server lives, and whether asks should be sent to it."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sts_server.readiness import Verdict

ALIVE: Final = "/healthz"
READY: Final = "/readyz"


def health(verdict: Callable[[], Verdict]) -> list[Route]:
    """Lay out the paths. No request here causes any work: a probe in the background decides."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        now = verdict()
        return JSONResponse(
            {"status": "ready" if now.ready else "not ready", "why": now.why},
            200 if now.ready else 503,
            {} if now.retry_after is None else {"Retry-After": str(now.retry_after)},
        )

    return [
        Route(ALIVE, healthz, methods=["GET"]),
        Route(READY, readyz, methods=["GET"]),
    ]
