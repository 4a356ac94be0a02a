"""The routes: what each path answers, and how whatever goes wrong becomes a problem."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from sts_server.catalogue import Catalogue
from sts_server.clock import Clock
from sts_server.errors import AuditUnwritten, Refusal
from sts_server.http import answers
from sts_server.http.contract import contract
from sts_server.http.seldom import Seldom
from sts_server.proof import Proof
from sts_server.settings.oss import OssTable
from sts_server.vending import Ask, Vending

_log = logging.getLogger(__name__)

_ALLOWED = "GET, HEAD, OPTIONS"


def routes(vending: Vending, catalogue: Catalogue, oss: OssTable, clock: Clock) -> list[Route]:
    """Lay out the paths."""
    leases = answers.LeaseAnswers(oss)

    async def credentials(request: Request) -> Response:
        ask = Ask(
            grant=request.path_params["grant"],
            proof=_proof(request),
            query=request.scope["query_string"],
            request_id=request.state.request_id,
            client_request_id=request.state.client_request_id,
        )
        vended = await vending.vend(ask)
        return leases.write(vended, now=clock(), request_id=ask.request_id)

    async def grants(request: Request) -> Response:
        request_id = request.state.request_id
        shown = await catalogue.show(
            _proof(request),
            request.scope["query_string"],
            request_id,
            request.state.client_request_id,
        )
        return answers.grants(shown, oss, request_id=request_id)

    return [
        Route("/v1/credentials/{grant}", credentials, methods=["GET"]),
        Route("/v1/grants", grants, methods=["GET"]),
        contract(),
    ]


def _proof(request: Request) -> Proof:
    return Proof(request.headers.getlist, request.client.host if request.client else "")


def problems() -> Mapping[type[Exception], ExceptionHandler]:
    """Name the handler for each kind of error: routes catch nothing themselves."""
    seldom = Seldom(_log)

    async def unwritten(request: Request, error: Exception) -> Response:
        # Strangers are written down, too, so a full disk is said for as many as care to ask.
        seldom.warn("the audit log cannot be written: %s (server.audit); nothing is vended", error)
        return _fault(request)

    return {
        Refusal: _refused,
        HTTPException: _not_served,
        AuditUnwritten: unwritten,
        Exception: _failed,
    }


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - Starlette's types cannot say it
    return answers.refusal(error, request.state.request_id)


async def _not_served(request: Request, error: Exception) -> Response:
    """Answer what the router refuses by itself: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the same
    phrase = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    detail = "there is nothing here; leases are at /v1/credentials/{grant}"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"this path answers {_ALLOWED} only"
        headers["Allow"] = _ALLOWED
    # What a path takes, or, for *, what the whole server does (RFC 9110, section 9.3.7).
    if request.method == "OPTIONS" and ("Allow" in headers or request.scope["path"] == "*"):
        return Response(status_code=204, headers={"Allow": _ALLOWED})
    return answers.problem(
        error.status_code,
        phrase.title().replace(" ", ""),
        title=phrase,
        detail=detail,
        request_id=request.state.request_id,
        headers=headers,
    )


async def _failed(request: Request, error: Exception) -> Response:
    """Answer a fault of our own, without a word of it: the log has it."""
    _log.error(
        "RequestId %s: %s; its trace follows", request.state.request_id, type(error).__name__
    )
    return _fault(request)


def _fault(request: Request) -> Response:
    return answers.problem(
        500,
        "InternalError",
        title="A fault of this server",
        detail="something went wrong here; the operator's log has it under this RequestId",
        request_id=request.state.request_id,
    )
