"""What OSS's error answers mean: status, headers and body in, exception out.

An error body may hold the security token, the string to sign and the signature. Three of its
fields are taken, and only if they look like what they should be: Code, EC and RequestId. They are
searched for, not parsed: the body repeats the key, and not every key makes well-formed XML.
"""

import base64
import binascii
import re
from collections.abc import Mapping

from sts_client import errors
from sts_client.errors import OssError

LARGEST_BODY = 64 * 1024
"""Bytes of an error body that are read."""

STALE_LEASE = frozenset({"SecurityTokenExpired", "InvalidSecurityToken", "InvalidAccessKeyId"})
"""Codes that say: these credentials are over. A new lease may help."""

WRONG_TIME = "RequestTimeTooSkewed"
"""The code that says: a clock was set. A new lease tells by how much."""

_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_EC = re.compile(rb"<EC>(\d{4}-\d{8})</EC>")
_REQUEST_ID = re.compile(rb"<RequestId>([0-9A-Za-z]{8,64})</RequestId>")
_EC_HEADER = re.compile(r"\d{4}-\d{8}")
_POSITION_HEADER = re.compile(r"\d{1,19}", re.ASCII)
_REQUEST_ID_HEADER = re.compile(r"[0-9A-Za-z]{8,64}")

_MEANINGS: Mapping[str, tuple[type[OssError], str]] = {
    "AccessDenied": (errors.AccessDenied, "not allowed: a lease covers its prefix and its actions"),
    "InvalidAccessKeyId": (errors.InvalidAccessKeyId, "the AccessKey is not known"),
    "InvalidSecurityToken": (errors.InvalidSecurityToken, "the security token is not valid"),
    "SecurityTokenExpired": (errors.SecurityTokenExpired, "the security token has expired"),
    "AccessKeyIdAndSecurityTokenNotMatch": (
        errors.AccessKeyIdAndSecurityTokenNotMatch,
        "AccessKey and security token are not of one lease",
    ),
    "SignatureDoesNotMatch": (
        errors.SignatureDoesNotMatch,
        "the signature does not fit: a proxy may change requests, or the region is wrong",
    ),
    WRONG_TIME: (
        errors.RequestTimeTooSkewed,
        "the request's time is more than 15 minutes off: set the clock",
    ),
    "NoSuchKey": (errors.NoSuchKey, "there is no such object"),
    "NoSuchBucket": (errors.NoSuchBucket, "there is no such bucket at this endpoint"),
    "FileAlreadyExists": (
        errors.FileAlreadyExists,
        "the object exists and was not overwritten",
    ),
    "PreconditionFailed": (
        errors.PreconditionFailed,
        "a condition does not hold: the object is not as assumed",
    ),
    "PositionNotEqualToLength": (
        errors.PositionNotEqualToLength,
        "the object does not end where this append begins",
    ),
    "ObjectNotAppendable": (
        errors.ObjectNotAppendable,
        "the object was put, not appended: it cannot be made longer",
    ),
    "NoSuchUpload": (errors.NoSuchUpload, "the upload has ended, or never began"),
    "InvalidRange": (errors.InvalidRange, "the range begins behind the end of the object"),
}
_BY_STATUS: Mapping[int, str] = {412: "PreconditionFailed", 416: "InvalidRange"}
_REDIRECTION = 3  # the class of RFC 9110, section 15.4


def refusal_of(status: int, headers: Mapping[str, str], body: bytes, what: str) -> OssError:
    """Return the exception for an answer that is no success.

    Args:
        status: HTTP status.
        headers: of the answer, by case-insensitive names.
        body: the XML, perhaps cut, or "" for HEAD: then the header ``x-oss-err`` has it.
        what: what was tried, for the message.
    """
    body = body or _from_header(headers.get("x-oss-err", ""))
    code = _found(_CODE, body)
    ec = _found(_EC, body) or _checked(_EC_HEADER, headers.get("x-oss-ec"))
    request_id = _found(_REQUEST_ID, body) or _checked(
        _REQUEST_ID_HEADER, headers.get("x-oss-request-id")
    )
    kind, meaning = _meaning(status, code)
    details = [f"HTTP {status}", code, f"EC {ec}" if ec else ""]
    details.append(f"request {request_id}" if request_id else "")
    refusal = kind(
        f"{what}: {meaning} ({', '.join(filter(None, details))})",
        status=status,
        code=code,
        ec=ec,
        request_id=request_id,
    )
    if isinstance(refusal, errors.PositionNotEqualToLength):
        position = _checked(_POSITION_HEADER, headers.get("x-oss-next-append-position"))
        refusal.next_position = int(position) if position else None
    return refusal


def _meaning(status: int, code: str) -> tuple[type[OssError], str]:
    known = _MEANINGS.get(code)
    if known is None and not code:
        known = _MEANINGS.get(_BY_STATUS.get(status, ""))
    if known:
        return known
    if status // 100 == _REDIRECTION:
        # Following it would show the security token to whoever is named there.
        return OssError, "answered with a redirect, which is not followed: check the endpoint"
    return OssError, "refused by OSS"


def _found(shape: re.Pattern[bytes], body: bytes) -> str:
    match = shape.search(body)
    return match[1].decode() if match else ""


def _from_header(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _checked(shape: re.Pattern[str], value: str | None) -> str:
    return value if value and shape.fullmatch(value) else ""
