"""A key set: the public keys of one issuer, each bound to what it may verify (RFC 7517). Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import jwt

from sts_server.settings.oidc import Algorithm

_SHORTEST_RSA = 2048  # bits (RFC 7518, section 3.3)
_NO_SET = 'no JWK set: that is JSON like {"keys": [...]}'
# RFC 7518, section 3.1, and RFC 8037: the kind of key that an algorithm takes.
_KINDS: Final[dict[Algorithm, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key for one algorithm."""

    algorithm: str
    key_id: str | None
    jwk: jwt.PyJWK = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one issuer that can be used here."""

    keys: tuple[Key, ...]
    document: Sequence[Any] = field(repr=False)

    @classmethod
    def of(cls, text: str, algorithms: Sequence[Algorithm]) -> Self:
        """Read a JWK set. Keys that cannot be used are passed over: others may be beside them.

        Raises:
            ValueError: it is no JWK set. Nothing of it is repeated.
        """
        try:
            members = json.loads(text)["keys"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ValueError(_NO_SET) from None
        if not isinstance(members, list):
            raise ValueError(_NO_SET)  # noqa: TRY004 - the document is what is wrong
        found = (_key(member, algorithm) for member in members for algorithm in algorithms)
        return cls(tuple(key for key in found if key is not None), members)

    def fitting(self, algorithm: str, key_id: str | None) -> Sequence[Key]:
        """Find the keys that a token may be signed with; one that names no key may fit several."""
        return [
            key
            for key in self.keys
            if key.algorithm == algorithm and (key_id is None or key.key_id == key_id)
        ]


def _key(member: Any, algorithm: Algorithm) -> Key | None:
    if not isinstance(member, dict) or not _may_verify(member, algorithm):
        return None
    try:
        jwk = jwt.PyJWK(member, algorithm)
        too_short = member["kty"] == "RSA" and jwk.key.key_size < _SHORTEST_RSA
    except Exception:  # noqa: BLE001 - whatever a stranger's numbers make the libraries raise
        return None
    key_id = member.get("kid")
    return None if too_short else Key(algorithm, key_id if isinstance(key_id, str) else None, jwk)


def _may_verify(member: dict[str, Any], algorithm: Algorithm) -> bool:
    kind, curve = _KINDS[algorithm]
    uses = member.get("key_ops", ["verify"])
    return (
        member.get("kty") == kind
        and (curve is None or member.get("crv") == curve)
        and member.get("alg", algorithm) == algorithm
        and member.get("use", "sig") == "sig"
        and isinstance(uses, list)
        and "verify" in uses
        # A private key that everybody can read proves nothing.
        and "d" not in member
    )
