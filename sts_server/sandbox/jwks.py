"""JWK sets (RFC 7517 section 5): the public keys of whoever makes identity tokens. Pure."""

import json
from collections.abc import Mapping
from typing import Any

import jwt

from sts_server.sandbox.errors import SettingError

MAX_JWKS_BYTES = 64 * 1024
PRIVATE = frozenset({"d", "k"})  # RFC 7518: the members that make a key a secret one


def parse_jwks(text: str) -> Mapping[str, Any]:
    """Read a JWK set; keys of kinds that are not known here may be among the others.

    Args:
        text: The JSON document.

    Raises:
        SettingError: It is none, holds a secret, or no key that can be used. Nothing of the
            document is repeated.
    """
    if len(text.encode()) > MAX_JWKS_BYTES:
        raise SettingError(f"is larger than {MAX_JWKS_BYTES} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingError("the JWK set is not JSON") from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise SettingError('a JWK set is {"keys": [...]}, with an object for each key')
    if any(not PRIVATE.isdisjoint(key) for key in keys):
        raise SettingError("the JWK set holds a secret key; only public ones belong into it")
    try:
        jwt.PyJWKSet.from_dict(document)
    except (jwt.PyJWTError, TypeError, ValueError):
        raise SettingError("the JWK set holds no key that can be used") from None
    return {"keys": keys}
