"""OpenID Connect identity tokens: proven against the keys of a provider that is known. Pure.

Sources: OpenID Connect Core 1.0 section 3.1.3.7, RFC 7519, STS: "AssumeRoleWithOIDC".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt

from sts_server.sandbox.clock import iso
from sts_server.sandbox.sts.errors import StsError, invalid

ALGORITHMS = ("ES256", "RS256")
MIN_TOKEN, MAX_TOKEN = 4, 20_000


@dataclass(frozen=True)
class Provider:
    """An OIDC provider as RAM knows it.

    Attributes:
        arn: `acs:ram::{account}:oidc-provider/{name}`.
        issuer: What `iss` must be, to the letter.
        client_ids: One of them must be in `aud`.
        jwks: Its public keys, a JWK set (RFC 7517 section 5).
    """

    arn: str
    issuer: str
    client_ids: frozenset[str]
    jwks: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Proven:
    """What a token says that was found genuine.

    Attributes:
        context: Its condition keys, for the trust policy.
        answer: What AssumeRoleWithOIDC repeats of it.
    """

    context: Mapping[str, str]
    answer: Mapping[str, str]


def verify(provider: Provider, token: str, now: datetime) -> Proven:
    """Verify a token.

    Args:
        provider: Who must have made it.
        token: The compact JWS.
        now: Real time, aware: who makes tokens does not know of a virtual one.

    Raises:
        StsError: The token is not genuine, not for us, or not valid now.
    """
    if not MIN_TOKEN <= len(token) <= MAX_TOKEN:
        raise invalid("OIDCToken", "The parameter OIDCToken is wrongly formed.")
    try:
        claims = jwt.decode(
            token,
            _key(provider, token),
            algorithms=ALGORITHMS,
            audience=provider.client_ids,
            issuer=provider.issuer,
            options={
                "require": ["aud", "exp", "iat", "iss", "sub"],
                "verify_exp": False,  # judged below, by the clock that was passed in
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, TypeError, ValueError):
        raise _refused("Invalid", "The OIDC token is not valid.") from None
    expires, begins = _moment(claims["exp"]), _moment(claims.get("nbf", 0))
    issued = _moment(claims["iat"])
    if expires <= now:
        raise _refused("Expired", "This JWT has expired.")
    if max(begins, issued) > now:
        raise _refused("Invalid", "The OIDC token is not valid yet.")
    audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
    ours = next(name for name in audiences if name in provider.client_ids)
    return Proven(
        context={"oidc:aud": ours, "oidc:iss": provider.issuer, "oidc:sub": claims["sub"]},
        answer={
            "Issuer": provider.issuer,
            "Subject": claims["sub"],
            "ClientIds": ",".join(audiences),
            "ExpirationTime": iso(expires),
            "IssuanceTime": iso(issued),
            "VerificationInfo": "Success",
        },
    )


def _key(provider: Provider, token: str) -> jwt.PyJWK:
    """Find the one key that the token names, or the only one there is."""
    wanted = jwt.get_unverified_header(token).get("kid")
    keys = jwt.PyJWKSet.from_dict(dict(provider.jwks)).keys
    found = [key for key in keys if wanted is None or key.key_id == wanted]
    if len(found) != 1:
        raise _refused("Invalid", "The OIDC token is signed with an unknown key.")
    return found[0]


def _moment(seconds: object) -> datetime:
    """Read a NumericDate."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _refused("Invalid", "The OIDC token holds a date that is no number.")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise _refused("Invalid", "The OIDC token holds a date that is none.") from None


def _refused(reason: str, message: str) -> StsError:
    return StsError(400, f"AuthenticationFail.OIDCToken.{reason}", message)
