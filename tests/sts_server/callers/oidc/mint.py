"""Makes tokens with real keys, good ones and bad, and shows them to a login that knows the keys."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sts_server.callers.oidc.issuer import Issuer
from sts_server.callers.oidc.key_set import KeySet
from sts_server.callers.oidc.login import Oidc
from sts_server.config import read_tables
from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from sts_server.settings.oidc import OidcTable
from tests.sts_server.parts import CONFIG, T0, SetClock

ISSUER = "https://login.example.com"
OTHER_ISSUER = "https://other.example.com"
AUDIENCE = "https://sts.example.com"

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
SHORT_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is short is the test
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()

CLAIMS: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": AUDIENCE,
    "iat": T0,
    "exp": T0 + 3600,
}
_ALGORITHMS = jwt.algorithms.get_default_algorithms()


def b64(value: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def part(value: object) -> str:
    """Write one part of a token: bytes as they are, anything else as JSON."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def sign(head: object, claims: object, key: Any, algorithm: str) -> str:
    """Sign any head and claims, as values or as raw bytes, by any algorithm."""
    text = f"{part(head)}.{part(claims)}"
    return f"{text}.{b64(_ALGORITHMS[algorithm].sign(text.encode(), key))}"


def token(
    key: Any = RSA, algorithm: str = "RS256", head: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """Make a token. A claim that is None is left out; `head` adds to `alg` and `kid`, or changes."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    full = {"alg": algorithm, "kid": "1", **(head or {})}
    return sign({k: v for k, v in full.items() if v is not None}, said, key, algorithm)


def jwk(key: Any = RSA, algorithm: str = "RS256", **more: Any) -> dict[str, Any]:
    """Write the public half of a key as a JWK; a member that is None is left out."""
    public = _ALGORITHMS[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {k: v for k, v in {**public, "kid": "1", **more}.items() if v is not None}


def jwks(*keys: Mapping[str, Any]) -> str:
    """Write a JWK set."""
    return json.dumps({"keys": keys})


def table(more: str = "", issuer: str = ISSUER) -> OidcTable:
    """Read a table from a configuration that trusts an issuer."""
    text = f'[[callers.oidc]]\nissuer = "{issuer}"\naudience = ["{AUDIENCE}"]\nid_prefix = "o:"\n'
    return read_tables(CONFIG + text + more).callers.oidc[0]


@dataclass
class Keys:
    """An issuer's keys, which a test may change."""

    text: str
    algorithms: tuple[Any, ...] = ("RS256", "ES256")
    fetched: int = 0

    async def __call__(self) -> KeySet:
        self.fetched += 1
        return KeySet.of(self.text, self.algorithms)


def login(
    text: str = jwks(jwk(), jwk(EC, "ES256")), more: str = "", *, issuer: str = ISSUER
) -> Oidc:
    """Make the login of an issuer that shows these keys, at T0."""
    settings = table(more, issuer)
    keys = Issuer(issuer, Keys(text, settings.algorithms), stopwatch=lambda: 0.0)
    return Oidc(settings, keys, clock=SetClock())


def believed(shown: str, at: Oidc | None = None) -> Caller:
    """Tell whom a login takes a token for."""
    return asyncio.run((at or login()).authenticate(shown))


def refused(shown: str, at: Oidc | None = None) -> str:
    """Tell why a login refuses a token."""
    with pytest.raises(Unauthenticated) as refusal:
        believed(shown, at)
    return refusal.value.detail
