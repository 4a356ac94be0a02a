"""V4 signatures in the Authorization header (OSS: "Include a V4 signature in the header")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.proofs.dates import check_skew, iso_basic
from sts_server.sandbox.oss.proofs.scope import check_scope
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import (
    PAYLOAD,
    Authorization,
    canonical_requests,
    matches,
    parse_authorization,
    string_to_sign,
)


@dataclass(frozen=True)
class V4Header:
    """A request with a V4 Authorization header."""

    mismatch_ec: ClassVar[str] = "0002-00000201"
    request: OssRequest = field(repr=False)
    authorization: Authorization

    @property
    def access_key_id(self) -> str:
        """The key of the credential."""
        return self.authorization.access_key_id

    @property
    def token(self) -> str | None:
        """The token header, which is signed like every `x-oss-` header."""
        return self.request.headers.get("x-oss-security-token")

    def check(self, now: datetime, region: str) -> None:
        """Check date, scope and the one kind of payload that there is."""
        headers = self.request.headers
        check_skew(iso_basic(headers.get("x-oss-date")), now)
        check_scope(self.authorization, headers["x-oss-date"], region, "Authorization")
        payload = headers.get("x-oss-content-sha256", "")
        if payload != PAYLOAD:
            message = f"The only value that is supported is {PAYLOAD}."
            raise invalid_argument("x-oss-content-sha256", payload, message)

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        return matches(secret, self.request, self.authorization)

    def evidence(self) -> Mapping[str, str]:
        """Give the canonical request and the text to sign."""
        canonical = next(canonical_requests(self.request, self.authorization.additional))
        date = self.request.headers["x-oss-date"]
        return {
            "SignatureProvided": self.authorization.signature,
            "StringToSign": string_to_sign(date, self.authorization.scope, canonical),
            "CanonicalRequest": canonical,
        }


def read_v4_header(request: OssRequest) -> V4Header:
    """Read the header.

    Raises:
        OssError: It is malformed.
    """
    return V4Header(request, parse_authorization(request.headers["authorization"]))
