"""Who sends an OSS request, and whether their policies let it through: before anything is served.

Order: key known, token present, matching and alive, clock, scope, signature; the policy is asked
once the operation is known.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sts_server.sandbox.accounts import Accounts, Identity, Session, permitted
from sts_server.sandbox.clock import Clock, iso
from sts_server.sandbox.oss.errors import (
    OssError,
    access_denied,
    denied_by_policy,
    invalid_argument,
)
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import (
    ALGORITHM,
    PAYLOAD,
    Authorization,
    canonical_requests,
    matches,
    parse_authorization,
    string_to_sign,
)
from sts_server.sandbox.ram.decision import Access, Resource

MAX_SKEW = timedelta(minutes=15)
OSS_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
CLAIM = re.compile(r"\bCredential=([A-Za-z0-9._-]{1,128})/")
QUERY_SIGNATURES = ("x-oss-signature", "Signature")


def authenticate(request: OssRequest, accounts: Accounts, clock: Clock, region: str) -> Identity:
    """Prove who sent a request.

    Args:
        request: The request.
        accounts: Everyone who exists.
        clock: Real time judges the request date, virtual time the token.
        region: The region id that the scope must name.

    Raises:
        OssError: The caller is unknown, unproven, out of date, or proves it in a way that the
            sandbox does not have.
    """
    header = request.headers.get("authorization", "")
    if any(name in request.query for name in QUERY_SIGNATURES):
        if header:
            raise invalid_argument("Authorization", "", "More than one authentication was given.")
        raise _unsupported("a signed URL")
    if not header:
        raise access_denied("Anonymous access is forbidden for this operation.", "0003-00000905")
    if not header.startswith(f"{ALGORITHM} "):
        raise _unsupported("a signature other than V4")
    authorization = parse_authorization(header)
    identity = _identify(authorization.access_key_id, request, accounts, clock)
    _check_date(request, clock)
    _check_scope(request, authorization, region)
    if not matches(identity.access_key_secret, request, authorization):
        raise _does_not_match(request, authorization)
    return identity


def claimed_key(request: OssRequest) -> str:
    """Give the AccessKey id that a V4 request claims to be signed with, unproven, or nothing."""
    found = CLAIM.search(request.headers.get("authorization", ""))
    return found[1] if found else ""


def authorize(
    identity: Identity,
    request: OssRequest,
    action: str,
    resource: Resource,
    clock: Clock,
    facts: Mapping[str, str],
) -> None:
    """Ask the policies of a proven caller.

    Args:
        identity: Who asks.
        request: The request, for the condition keys it carries.
        action: The RAM action, `oss:GetObject`.
        resource: What it touches.
        clock: Virtual time is `acs:CurrentTime`.
        facts: The condition keys of this action.

    Raises:
        OssError: The policies do not allow it.
    """
    context = {
        "acs:AccessId": identity.access_key_id,
        "acs:CurrentTime": iso(clock.now()),
        "acs:MFAPresent": "false",
        "acs:SecureTransport": "true" if request.secure else "false",
        "acs:SourceIp": request.peer,
    }
    context |= facts
    if "user-agent" in request.headers:
        context["acs:UserAgent"] = request.headers["user-agent"]
    if resource.account != identity.account or not permitted(
        identity, Access(action, resource, context)
    ):
        raise denied_by_policy()


def _unsupported(what: str) -> OssError:
    return OssError(
        400,
        "NotImplemented",
        f"The sandbox does not implement {what}.",
        "0017-00000245",
        {"Header": "Authorization"},
    )


def _identify(key_id: str, request: OssRequest, accounts: Accounts, clock: Clock) -> Identity:
    token = request.headers.get("x-oss-security-token")
    if token is None:
        if key_id.startswith("STS."):
            raise _unknown_key(key_id, "0002-00000003")
        user = accounts.user(key_id)
        if user is None:
            raise _unknown_key(key_id, "0002-00000902")
        return user
    session = accounts.session(key_id)
    if session is None:
        raise _unknown_key(key_id, "0002-00000002")
    _check_token(session, token, accounts, clock)
    return session


def _unknown_key(key_id: str, ec: str) -> OssError:
    return OssError(
        403,
        "InvalidAccessKeyId",
        "The OSS Access Key Id you provided does not exist in our records.",
        ec,
        {"OSSAccessKeyId": key_id},
    )


def _check_token(session: Session, token: str, accounts: Accounts, clock: Clock) -> None:
    given = token.encode(errors="surrogateescape")
    if not hmac.compare_digest(session.security_token.encode(), given):
        if accounts.is_token(token):
            raise OssError(
                403,
                "AccessKeyIdAndSecurityTokenNotMatch",
                "The security token belongs to another access key.",
                "0002-00000004",
            )
        raise OssError(
            403,
            "InvalidSecurityToken",
            "The security token you provided is invalid.",
            "0002-00000006",
        )
    if session.expiration <= clock.now():
        raise OssError(
            403,
            "SecurityTokenExpired",
            "The security token you provided has expired.",
            "0002-00000007",
            {"SecurityToken": token},
        )


def _check_date(request: OssRequest, clock: Clock) -> None:
    text = request.headers.get("x-oss-date")
    date = _date(text or "")
    if date is None:
        ec = "0002-00000503" if text is None else "0002-00000502"
        raise access_denied("OSS authentication requires a valid Date.", ec)
    now = clock.real()
    if abs(now - date) > MAX_SKEW:
        raise OssError(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            "0002-00000504",
            {
                "MaxAllowedSkewMilliseconds": str(MAX_SKEW // timedelta(milliseconds=1)),
                "RequestTime": date.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            },
        )


def _date(text: str) -> datetime | None:
    if not OSS_DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _check_scope(request: OssRequest, authorization: Authorization, region: str) -> None:
    if authorization.date != request.headers["x-oss-date"][:8]:
        raise invalid_argument(
            "Authorization",
            authorization.date,
            "The date in the credential scope differs from x-oss-date.",
            "0002-00000223",
        )
    if authorization.region != region:
        raise invalid_argument(
            "Authorization",
            authorization.region,
            "The region in the credential scope is not the region of the bucket.",
            "0002-00000226",
        )
    if request.headers.get("x-oss-content-sha256") != PAYLOAD:
        raise invalid_argument(
            "x-oss-content-sha256",
            request.headers.get("x-oss-content-sha256", ""),
            f"The only value that is supported is {PAYLOAD}.",
        )


def _does_not_match(request: OssRequest, authorization: Authorization) -> OssError:
    canonical = next(canonical_requests(request, authorization.additional))
    text = string_to_sign(request.headers["x-oss-date"], authorization.scope, canonical)
    return OssError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        "0002-00000201",
        {
            "OSSAccessKeyId": authorization.access_key_id,
            "SignatureProvided": authorization.signature,
            "StringToSign": text,
            "StringToSignBytes": text.encode().hex(" ").upper(),
            "CanonicalRequest": canonical,
        },
    )
