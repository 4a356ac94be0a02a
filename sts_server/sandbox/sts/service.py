"""The STS side: each call through every check in order, then to its action, then logged."""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from sts_server.sandbox.accounts import Accounts
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.sts.access import Guard
from sts_server.sandbox.sts.acs3 import claimed_key
from sts_server.sandbox.sts.actions import (
    PARAMETERS,
    assume_role,
    assume_role_with_oidc,
    check_names,
    get_caller_identity,
)
from sts_server.sandbox.sts.call import Call, read_call
from sts_server.sandbox.sts.errors import StsError, internal_error
from sts_server.sandbox.sts.oidc import Provider
from sts_server.sandbox.sts.parameters import answer_format, required
from sts_server.sandbox.xml import Element, document

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

VERSION = "2015-04-01"

logger = logging.getLogger(__name__)


class StsService:
    """STS of one account.

    Args:
        accounts: Everyone who exists.
        clock: Real and virtual time.
        log: Takes every call.
        providers: The OIDC providers whose tokens AssumeRoleWithOIDC takes.
        request_id: Gives upper-case UUIDs.
    """

    def __init__(
        self,
        accounts: Accounts,
        clock: Clock,
        log: RequestLog,
        providers: Iterable[Provider] = (),
        request_id: Callable[[], str] = lambda: str(uuid.uuid4()).upper(),
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._log = log
        self._request_id = request_id
        self._providers = {provider.arn: provider for provider in providers}
        self._guard = Guard(accounts, clock)

    async def __call__(self, scope: Mapping[str, Any], body: bytes, send: Send) -> None:
        """Answer one call, whatever happens.

        Args:
            scope: The ASGI scope.
            body: The whole body.
            send: The ASGI send channel.
        """
        request_id = self._request_id()
        parameters: Mapping[str, str] = {}
        key_id = ""
        status, code = 200, ""
        try:
            call = read_call(scope, body)
            parameters = call.parameters
            key_id = parameters.get("AccessKeyId", claimed_key(call.headers))
            answer = self._serve(call)
            root = f"{parameters['Action']}Response"
        except StsError as refusal:
            status, code, root = refusal.status, refusal.code, "Error"
            answer = _error(refusal, scope)
        except Exception:
            logger.exception("an STS call failed in the sandbox itself")
            status, code, root = 500, "InternalError", "Error"
            answer = _error(internal_error(), scope)
        self._log.add(
            scope,
            service="sts",
            operation=parameters.get("Action", ""),
            access_key_id=key_id,
            status=status,
            code=code,
        )
        as_json = parameters.get("Format", "").upper() == "JSON"
        body, kind = _render(root, {"RequestId": request_id, **answer}, as_json=as_json)
        await _send(send, status, kind, body, request_id)

    def _serve(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        if call.method not in ("GET", "POST"):
            raise StsError(400, "UnsupportedHTTPMethod", "The method is GET or POST.")
        action = required(parameters, "Action")
        if action not in PARAMETERS:
            raise StsError(404, "InvalidApi.NotFound", "Specified api is not found.")
        if required(parameters, "Version") != VERSION:
            raise StsError(400, "InvalidVersion", "Specified parameter Version is not valid.")
        answer_format(parameters)
        if action == "AssumeRoleWithOIDC":  # its token is all the proof there is
            check_names(action, parameters)
            return assume_role_with_oidc(self._providers, parameters, self._accounts, self._clock)
        identity = self._guard.authenticate(call)
        check_names(action, parameters)
        if action == "GetCallerIdentity":
            return get_caller_identity(identity)
        return assume_role(identity, parameters, self._accounts, self._clock)


def _error(refusal: StsError, scope: Mapping[str, Any]) -> dict[str, str]:
    return {
        "HostId": dict(scope["headers"]).get(b"host", b"").decode("latin-1"),
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=Sts",
    }


def _render(root: str, answer: Mapping[str, Any], *, as_json: bool) -> tuple[bytes, str]:
    if as_json:
        return json.dumps(answer, separators=(",", ":")).encode(), "application/json;charset=utf-8"
    return document(_element(root, answer)), "text/xml;charset=utf-8"


def _element(name: str, value: Any) -> Element:
    if isinstance(value, str):
        return Element(name, value)
    return Element(name, [_element(child, inner) for child, inner in value.items()])


async def _send(send: Send, status: int, kind: str, body: bytes, request_id: str) -> None:
    headers = [
        (b"Content-Type", kind.encode()),
        (b"Content-Length", str(len(body)).encode()),
        (b"Cache-Control", b"no-store"),
        (b"x-acs-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
