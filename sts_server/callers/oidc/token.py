"""A JSON Web Token: what it says before it is believed, and all that must be right until it is.

The checks are those of RFC 8725, "JSON Web Token Best Current Practices". Pure.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from jwt.types import Options

from sts_server.errors import Unauthenticated
from sts_server.settings.oidc import OidcTable

LONGEST: Final = 8192
"""Characters of a token; one with 100 groups has about 4,000."""

_LONGEST_GLANCE = 32 * 1024  # characters; the server takes no head that is half as long
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_PARTS = 3
_LAST_MOMENT = 253_402_300_799  # the end of the year 9999
# What else a token may be: RFC 9068 names access tokens. Logout tokens, proofs of possession and
# events are JWTs of the same issuer, too (RFC 8725, section 3.11).
_TYPES = (None, "jwt", "at+jwt", "application/jwt", "application/at+jwt")
_OPTIONS: Final[Options] = {
    "require": ["aud", "exp", "iss"],
    # Judged here, by the clock that was passed in.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    # Whoever is named by another claim needs neither.
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says. Nothing of it is believed yet."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str | None
    claims: Mapping[str, Any] = field(repr=False)


def issuer_of(token: str) -> str | None:
    """Tell who a token says has made it; None if it is no signed token. Believes nothing."""
    # Leniently: a token with a sign too many is still its issuer's, and nobody else may see it.
    parts = token.split(".")
    if len(token) > _LONGEST_GLANCE or len(parts) < _PARTS:
        return None
    try:
        claims = json.loads(_decoded(parts[1]))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def read(token: str) -> Unverified:
    """Read a token. Addresses of keys in its head (`jku`, `x5u`, `jwk`) are not even looked at.

    Raises:
        Unauthenticated: it is too long, not well formed, or not made to say who is calling.
    """
    if len(token) > LONGEST:
        raise Unauthenticated(f"the token is longer than {LONGEST} characters")
    if not _COMPACT.fullmatch(token):
        raise Unauthenticated("the token is not three parts of base64url")
    head, claims = (_object(part) for part in token.split(".")[:2])
    algorithm, key_id, kind = head.get("alg"), head.get("kid"), head.get("typ")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise Unauthenticated("the token's head has no text as alg or kid")
    if "crit" in head:
        raise Unauthenticated("the token asks for an extension (crit) that is not known here")
    if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise Unauthenticated("the token is of a type (typ) that does not say who is calling")
    if "events" in claims:
        # Logout tokens need not say so in their type (OpenID Connect Back-Channel Logout, 2.4).
        raise Unauthenticated("the token tells of an event, not who is calling")
    return Unverified(token, algorithm, key_id, claims)


def verify(token: Unverified, key: jwt.PyJWK, table: OidcTable, now: float) -> float:
    """Verify that a token was made by its issuer, for this server, and for now.

    Args:
        token: what was read.
        key: the issuer's key for it, bound to one algorithm.
        table: what the token must say.
        now: seconds since the epoch.

    Returns:
        When it expires, in seconds since the epoch.

    Raises:
        Unauthenticated: it was not.
    """
    try:
        jwt.decode(
            token.text,
            key,
            algorithms=table.algorithms,
            audience=table.audience,
            issuer=table.issuer,
            options=_OPTIONS,
        )
    except jwt.MissingRequiredClaimError as error:
        raise Unauthenticated(f"the token has no {error.claim}") from None
    except jwt.InvalidSignatureError:
        raise Unauthenticated("the token's signature is not one by its issuer's key") from None
    except jwt.InvalidAudienceError:
        raise Unauthenticated("the token's audience is not this server") from None
    except (jwt.PyJWTError, TypeError, ValueError):
        raise Unauthenticated("the token is not a valid one of its issuer") from None
    expires = _moment(token.claims, "exp")
    if expires <= now - table.leeway:
        raise Unauthenticated("the token is over; log in again")
    for name in ("nbf", "iat"):
        if name in token.claims and _moment(token.claims, name) > now + table.leeway:
            raise Unauthenticated(f"the token is not valid yet ({name}); is a clock wrong?")
    return expires


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # A comparison that holds for neither not-a-number nor infinity.
    if isinstance(value, bool) or not (
        isinstance(value, int | float) and 0 <= value <= _LAST_MOMENT
    ):
        raise Unauthenticated(f"the token's {name} is not a moment")
    return float(value)


def _object(part: str) -> Mapping[str, Any]:
    """Read a part as a JSON object that all readers read alike: RFC 7519, section 4."""
    try:
        value = json.loads(_decoded(part), object_pairs_hook=_one_each, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unauthenticated("the token is not well-formed JSON, or says a thing twice") from None
    if not isinstance(value, dict):
        raise Unauthenticated("the token's parts are not JSON objects")
    return value


def _decoded(part: str) -> str:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def _one_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _refuse(_: str) -> None:
    raise ValueError
