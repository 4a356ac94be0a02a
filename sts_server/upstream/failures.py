"""Reads what went wrong with a call to STS: its kind, and what the operator should do about it."""

import re
from collections.abc import Mapping
from typing import Final

from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)

_RETRY_AFTER = 5  # seconds: what a caller is told when STS is away or throttling

_UNAVAILABLE = "STS cannot be reached or did not answer as it should; ask again in a moment"
_THROTTLED = "STS asks this server to slow down; ask again in a moment"
_BUSY = "this server asks STS as often as it may; ask again in a moment"
_REFUSED = (
    "STS refused this server's own key, role or policy; the operator's log says which and why"
)

# Also for what the official default chain finds: the environment is only one of its places.
_CHECK_KEY = "check our access key (environment, or the file or role that it comes from)"

_HINTS: Final[Mapping[str, str]] = {
    # The beginning of STS's code -> what the operator should do (Alibaba Cloud, "AssumeRole").
    "NoPermission": "the RAM user needs AliyunSTSAssumeRoleAccess, and the role must trust it",
    "EntityNotExist.Role": "there is no such role: correct sts.role_arn",
    "InvalidAccessKeyId": f"our key is unknown or disabled: {_CHECK_KEY}",
    "InvalidAccessKeySecret": f"our secret is wrong: {_CHECK_KEY}",
    "SignatureDoesNotMatch": f"our secret is wrong: {_CHECK_KEY}",
    "InvalidSecurityToken": f"our own token is wrong or over: {_CHECK_KEY}",
    "MissingSecurityToken": f"our key is temporary and has no token: {_CHECK_KEY}",
    "InvalidTimeStamp": "this machine's clock is more than 15 minutes off: correct it",
    "InvalidParameter.DurationSeconds": "a grant's duration is over the role's MaxSessionDuration",
    "InvalidParameter.Policy": "STS did not take the session policy: report this with the code",
}
_OF_KEY: Final = (
    "InvalidAccessKeyId",
    "InvalidAccessKeySecret",
    "SignatureDoesNotMatch",
    "InvalidSecurityToken",
    "MissingSecurityToken",
)

_NO_HOST = "there is no host of this name"
_NOBODY = "nobody listens there"
NOT_REACHED: Final = frozenset({_NO_HOST, _NOBODY})
"""What `kind` says where STS itself has heard nothing."""

_SIGNS: Final[Mapping[str, str]] = {
    # A word in the text of an error that never reached STS -> what the operator should know.
    "ca certificate bundle": "the file of trusted certificates cannot be read",
    "certificate": "its certificate is not trusted, or is another host's",
    "name or service not known": _NO_HOST,
    "name resolution": _NO_HOST,
    "refused": _NOBODY,
    "timed out": "no answer in time",
}


def refusal(status: int | None, code: object) -> UpstreamFailure:
    """Read an answer of STS that is none: its HTTP status and its code."""
    name = _code(code) or "unknown"
    if name.startswith("Throttling"):
        return UpstreamThrottled(_THROTTLED, hint=name, retry_after=_RETRY_AFTER)
    if status is None or status >= 500:  # noqa: PLR2004 - the first status of the server's own faults
        return unavailable(f"{name} ({status})")
    advice = next(
        (text for start, text in _HINTS.items() if name.startswith(start)), "look up the code"
    )
    return UpstreamRefused(_REFUSED, hint=f"{name}: {advice}")


def is_about_key(code: object) -> bool:
    """Whether a code of STS says that our own key is no longer good."""
    return (_code(code) or "").startswith(_OF_KEY)


def unavailable(hint: str, *, asked: bool = True) -> UpstreamUnavailable:
    """Say that STS gave no answer, or was not asked; the hint is for the operator."""
    return UpstreamUnavailable(_UNAVAILABLE, hint=hint, retry_after=_RETRY_AFTER, asked=asked)


def busy(hint: str) -> UpstreamThrottled:
    """Say that STS was not asked, since that would be too often; the hint is for the operator."""
    return UpstreamThrottled(_BUSY, hint=hint, retry_after=_RETRY_AFTER, asked=False)


def ending() -> UpstreamUnavailable:
    """Say that STS was not asked, since this server, or these settings of it, end."""
    return unavailable("it is not asked any more: this server ends", asked=False)


def over_already() -> UpstreamRefused:
    """Say that a lease was over when it came."""
    return UpstreamRefused(
        _REFUSED, hint="STS gave a lease already over: this machine's clock is off"
    )


def kind(error: Exception) -> str:
    """Name an error without its text: what it means where that is plain, else the SDK's code."""
    text = str(error).lower()
    for sign, meaning in _SIGNS.items():
        if sign in text:
            return meaning
    return _code(getattr(error, "error_code", None)) or type(error).__name__


def _code(code: object) -> str | None:
    fits = isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9._]{1,64}", code)
    return str(code) if fits else None
