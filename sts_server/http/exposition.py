"""The exposition of metrics: one path on a listener of its own, in Prometheus's text format."""

import re
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sts_server.http import answers
from sts_server.http.envelope import Envelope
from sts_server.shapes import is_loopback

PATH: Final = "/metrics"

_HOST = re.compile(r"(\[[^\]]+\]|[^:]+)(:[0-9]{1,5})?")


def exposition(registry: CollectorRegistry, *, only_loopback: bool) -> ASGIApp:
    """Make the application that shows a registry.

    Args:
        registry: what is shown.
        only_loopback: answer only those who call us by a loopback name. Else a web page could make
            its own name point here and have its visitor's browser read (DNS rebinding).
    """

    async def metrics(request: Request) -> Response:
        if only_loopback and not _is_ours(request.headers.getlist("host")):
            raise HTTPException(HTTPStatus.MISDIRECTED_REQUEST)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    inside = Starlette(
        routes=[Route(PATH, metrics, methods=["GET"])],
        exception_handlers={HTTPException: _not_served},
    )
    inside.router.redirect_slashes = False
    return Envelope(inside)


def _is_ours(hosts: list[str]) -> bool:
    host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return host is not None and is_loopback(host[1].strip("[]"))


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's types cannot say it
    phrase = HTTPStatus(error.status_code).phrase
    return answers.problem(
        error.status_code,
        phrase.title().replace(" ", ""),
        title=phrase,
        detail=f"GET {PATH} is all there is, for whoever calls this listener by its address",
        request_id=request.state.request_id,
        headers=error.headers,
    )
