"""ACS3-HMAC-SHA256, recomputed (STS: "V3 request syntax and signature"). Pure."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from sts_server.sandbox.sts.call import Call
from sts_server.sandbox.sts.errors import StsError, missing

ALGORITHM = "ACS3-HMAC-SHA256"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^,\s]+), *SignedHeaders=(?P<names>[^,\s]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
# Left out of the signature, each of these could be changed on the way.
MUST_BE_SIGNED = re.compile(r"host|x-acs-(?!retry-).*")


@dataclass(frozen=True)
class Acs3Proof:
    """A call with an ACS3 Authorization header."""

    call: Call = field(repr=False)
    access_key_id: str
    signed: tuple[str, ...]
    signature: str = field(repr=False)

    @property
    def timestamp(self) -> str:
        """The `x-acs-date`."""
        return self._header("x-acs-date", "Timestamp")

    @property
    def nonce(self) -> str:
        """The `x-acs-signature-nonce`."""
        return self._header("x-acs-signature-nonce", "SignatureNonce")

    @property
    def token(self) -> str | None:
        """The `x-acs-security-token`."""
        return self.call.headers.get("x-acs-security-token")

    @property
    def text(self) -> str:
        """The text that is signed."""
        return string_to_sign(canonical_request(self.call, self.signed))

    def matches(self, secret: str) -> bool:
        """Say whether the call was signed with a secret; it is the key as it stands."""
        ours = hmac.digest(secret.encode(), self.text.encode(), "sha256").hex()
        return hmac.compare_digest(ours.encode(), self.signature.encode())

    def _header(self, name: str, parameter: str) -> str:
        value = self.call.headers.get(name)
        if not value:
            raise missing(parameter)
        return value


def read_acs3(call: Call) -> Acs3Proof:
    """Read the Authorization header.

    Raises:
        StsError: It is malformed, or leaves something unsigned that must be signed.
    """
    found = AUTHORIZATION.fullmatch(call.headers["authorization"])
    if found is None:
        raise _incomplete()
    names = tuple(found["names"].lower().split(";"))
    needed = {name for name in call.headers if MUST_BE_SIGNED.fullmatch(name)}
    if not needed <= set(names) <= set(call.headers) or len(set(names)) != len(names):
        raise _incomplete()
    return Acs3Proof(call, found["key"], tuple(sorted(names)), found["signature"])


def canonical_request(call: Call, signed: tuple[str, ...]) -> str:
    """Render the canonical request; the hash of the body is our own.

    Args:
        call: The call.
        signed: Lower-case names of the signed headers, sorted.
    """
    query = "&".join(
        f"{_encode(name)}={_encode(value)}" for name, value in sorted(call.query.items())
    )
    headers = "".join(f"{name}:{call.headers[name]}\n" for name in signed)
    digest = hashlib.sha256(call.body).hexdigest()
    return "\n".join((call.method, "/", query, headers, ";".join(signed), digest))


def string_to_sign(canonical: str) -> str:
    """Build the text whose HMAC is the signature."""
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def claimed_key(headers: Mapping[str, str]) -> str:
    """Give the AccessKey id that a call claims to be signed with, unproven, or nothing."""
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return found["key"] if found else ""


def _encode(text: str) -> str:
    return quote(text, safe="")


def _incomplete() -> StsError:
    return StsError(
        400,
        "IncompleteSignature",
        "The request signature does not conform to Alibaba Cloud standards.",
    )
