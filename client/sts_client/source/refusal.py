"""What the vending server's refusals mean: status and problem document in, exception out."""

import json
import re
from collections.abc import Mapping

from sts_client.errors import (
    CallerNotAllowed,
    GrantDenied,
    ServerUnavailable,
    TooManyRequests,
    Unauthenticated,
    UpstreamRefused,
    VendingError,
)

_CODE = re.compile(r"[A-Za-z]{1,64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)

_REDIRECTION = 3  # the classes of RFC 9110, section 15
_SERVER_ERROR = 5

_MEANINGS: Mapping[str, tuple[type[VendingError], str]] = {
    "InvalidArgument": (VendingError, "does not understand the wish: check grant, prefix, actions"),
    "Unauthenticated": (Unauthenticated, "does not accept the bearer token: get a new one"),
    "GrantDenied": (GrantDenied, "does not give this caller that grant, prefix or action"),
    "CallerNotAllowed": (CallerNotAllowed, "does not serve this caller"),
    "TooManyRequests": (TooManyRequests, "was asked too often: wait before asking again"),
    "UpstreamThrottled": (ServerUnavailable, "is being slowed down by STS: try again later"),
    "UpstreamUnavailable": (ServerUnavailable, "cannot reach STS: try again later"),
    "UpstreamRefused": (
        UpstreamRefused,
        "is itself refused by STS: its operator has to check key, role and policy",
    ),
}
_BY_STATUS: Mapping[int, str] = {
    401: "Unauthenticated",
    403: "GrantDenied",
    429: "TooManyRequests",
}


def refusal_of(status: int, headers: Mapping[str, str], body: bytes, where: str) -> VendingError:
    """Return the exception for an answer other than 200; its text is ours, never the server's.

    Args:
        status: HTTP status.
        headers: of the answer, by case-insensitive names.
        body: a problem document (RFC 9457), or anything at all.
        where: the server's address, for the message.
    """
    problem = _problem(body)
    code = _checked(problem.get("Code"), _CODE)
    request_id = _checked(problem.get("RequestId"), _REQUEST_ID)
    seconds = _checked(headers.get("Retry-After"), _SECONDS)
    kind, meaning = _meaning(status, code)
    number = f" (HTTP {status}" + (f", request {request_id})" if request_id else ")")
    return kind(
        f"{where} {meaning}{number}",
        status=status,
        code=code,
        request_id=request_id,
        retry_after=float(seconds) if seconds else None,
    )


def _meaning(status: int, code: str) -> tuple[type[VendingError], str]:
    known = _MEANINGS.get(code) or _MEANINGS.get(_BY_STATUS.get(status, ""))
    if known:
        return known
    if status // 100 == _REDIRECTION:
        # Following it would show the bearer token to whoever is named there.
        return VendingError, "answered with a redirect, which is not followed: use the new address"
    if status // 100 == _SERVER_ERROR:
        return ServerUnavailable, "failed: try again later"
    return VendingError, "refused: check the address"


def _problem(body: bytes) -> Mapping[str, object]:
    try:
        problem = json.loads(body)
    except (RecursionError, ValueError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _checked(value: object, shape: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and shape.fullmatch(value) else ""
