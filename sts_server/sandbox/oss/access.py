"""Who sends an OSS request, and whether their policies let it through: before anything is served.

Order: key known, token present, matching and alive, clock, scope, signature; the policy is asked
once the operation is known.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sts_server.sandbox.accounts import Accounts, Identity, Session, permitted
from sts_server.sandbox.clock import Clock, iso
from sts_server.sandbox.oss.anonymous import forbidden_to_nobody
from sts_server.sandbox.oss.errors import OssError, denied_by_policy, invalid_argument
from sts_server.sandbox.oss.proofs import v1_query, v4_query
from sts_server.sandbox.oss.proofs.claim import Claim
from sts_server.sandbox.oss.proofs.v1_header import read_v1_header
from sts_server.sandbox.oss.proofs.v1_query import read_v1_query
from sts_server.sandbox.oss.proofs.v4_header import read_v4_header
from sts_server.sandbox.oss.proofs.v4_query import read_v4_query
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import ALGORITHM
from sts_server.sandbox.ram.decision import Access, Resource

CLAIMS = (
    re.compile(rf"{ALGORITHM} .*\bCredential=([A-Za-z0-9._-]{{1,128}})/"),
    re.compile(r"OSS +([A-Za-z0-9._-]{1,128}):"),
)


def authenticate(
    request: OssRequest, accounts: Accounts, clock: Clock, region: str
) -> Identity | None:
    """Prove who sent a request.

    Args:
        request: The request.
        accounts: Everyone who exists.
        clock: Real time judges the request date, virtual time the token.
        region: The region id that a V4 scope must name.

    Returns:
        The proven caller, or None when the request does not say who sent it.

    Raises:
        OssError: The caller is unknown, unproven, out of date, or proves it in a way that the
            sandbox does not have.
    """
    claim = read_claim(request)
    if claim is not None:
        return prove(claim, accounts, clock, region)
    if not request.bucket:
        raise forbidden_to_nobody()
    return None


def prove(claim: Claim, accounts: Accounts, clock: Clock, region: str) -> Identity:
    """Prove a claim, whatever its kind: key, token, date and scope, signature, in this order.

    Raises:
        OssError: One of them does not hold.
    """
    identity = _identify(claim, accounts, clock)
    claim.check(clock.real(), region)
    if not claim.matches(identity.access_key_secret):
        raise _does_not_match(claim)
    return identity


def read_claim(request: OssRequest) -> Claim | None:
    """Find the one proof that a request carries.

    Raises:
        OssError: There are several, or it is malformed or of a kind that the sandbox lacks.
    """
    header = request.headers.get("authorization", "")
    v4 = not v4_query.MARKS.isdisjoint(request.query)
    v1 = not v1_query.MARKS.isdisjoint(request.query)
    if bool(header) + v4 + v1 > 1:
        raise invalid_argument("Authorization", "", "More than one authentication was given.")
    if v4 or v1:
        if "x-oss-security-token" in request.headers:
            raise invalid_argument(
                "x-oss-security-token",
                "",
                "A signed URL carries its security token itself.",
                "0002-00000010",
            )
        return read_v4_query(request) if v4 else read_v1_query(request)
    if not header:
        return None
    if header.startswith(f"{ALGORITHM} "):
        return read_v4_header(request)
    if header.startswith("OSS "):
        return read_v1_header(request)
    raise _unsupported("a signature other than V4 and V1")


def choose(candidates: Sequence[OssRequest], accounts: Accounts) -> OssRequest:
    """Choose what a request means whose host and path can be read in several ways.

    The signature names the bucket, so the reading whose signature is right wins. Without one it
    is the first.

    Args:
        candidates: The same request read in each way, the likeliest first; never empty.
        accounts: Everyone who exists.
    """
    for request in candidates if len(candidates) > 1 else ():
        try:
            claim = read_claim(request)
        except OssError:
            break
        if claim is None:
            break
        key_id = claim.access_key_id
        identity = accounts.user(key_id) or accounts.session(key_id)
        if identity is not None and claim.matches(identity.access_key_secret):
            return request
    return candidates[0]


def without_signature(request: OssRequest) -> OssRequest:
    """Take the parameters of a signed URL away: no operation has to know them."""
    for kind in (v4_query, v1_query):
        if not kind.MARKS.isdisjoint(request.query):
            left = {k: v for k, v in request.query.items() if k not in kind.PARAMETERS}
            return replace(request, query=left)
    return request


def claimed_key(request: OssRequest) -> str:
    """Give the AccessKey id that a request claims to be signed with, unproven, or nothing."""
    header = request.headers.get("authorization", "")
    found = next(filter(None, (claim.match(header) for claim in CLAIMS)), None)
    if found:
        return found[1]
    key = request.query.get("x-oss-credential", "").partition("/")[0]
    key = key or request.query.get("OSSAccessKeyId", "")
    return printable_key(key)


def printable_key(key: str) -> str:
    """Give what may be an AccessKey id back, and nothing for what cannot be one."""
    return key if re.fullmatch(r"[A-Za-z0-9._-]{1,128}", key) else ""


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


def _identify(claim: Claim, accounts: Accounts, clock: Clock) -> Identity:
    key_id, token = claim.access_key_id, claim.token
    if token is None:
        if key_id.startswith("STS."):
            raise _unknown_key(key_id, "0002-00000003")
        user = accounts.user(key_id)
        if user is None:
            raise _unknown_key(key_id, "0002-00000902")
        if not user.active:
            raise _disabled_key(key_id)
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


def _disabled_key(key_id: str) -> OssError:
    return OssError(
        403,
        "InvalidAccessKeyId",
        "The OSS Access Key Id you provided is disabled.",
        "0002-00000901",
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


def _does_not_match(claim: Claim) -> OssError:
    evidence = claim.evidence()
    text = evidence["StringToSign"].encode(errors="surrogateescape")
    return OssError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        claim.mismatch_ec,
        {
            "OSSAccessKeyId": claim.access_key_id,
            **evidence,
            "StringToSignBytes": text.hex(" ").upper(),
        },
    )
