"""V1 signatures in the URL (OSS: "Include a V1 signature in a URL")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from sts_server.sandbox.oss.errors import OTHER_EC, access_denied, invalid_argument
from sts_server.sandbox.oss.proofs.dates import has_expired
from sts_server.sandbox.oss.proofs.v1 import v1_matches, v1_string_to_sign
from sts_server.sandbox.oss.request import OssRequest

# Either of these says that the URL is meant to be signed; the others only go along.
MARKS = frozenset({"OSSAccessKeyId", "Signature"})
PARAMETERS = MARKS | {"Expires", "security-token"}


@dataclass(frozen=True)
class V1Query:
    """A request whose URL carries a V1 signature."""

    mismatch_ec: ClassVar[str] = "0002-00000040"
    request: OssRequest = field(repr=False)

    @property
    def access_key_id(self) -> str:
        """The key parameter."""
        return self.request.query["OSSAccessKeyId"]

    @property
    def token(self) -> str | None:
        """The token parameter, which is a signed subresource."""
        return self.request.query.get("security-token")

    def check(self, now: datetime, region: str) -> None:  # noqa: ARG002 - V1 names no region
        """Check that the URL has not ended."""
        text = self.request.query["Expires"]
        # Ten digits of seconds last until 2286; milliseconds, a usual slip, have thirteen.
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
            raise invalid_argument("Expires", text, "Expires is a number of Unix seconds.")
        expires = datetime.fromtimestamp(int(text), UTC)
        if expires < now:
            raise has_expired(expires, now)

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        return v1_matches(secret, self._text, self.request.query["Signature"])

    def evidence(self) -> Mapping[str, str]:
        """Give the text to sign."""
        return {"SignatureProvided": self.request.query["Signature"], "StringToSign": self._text}

    @property
    def _text(self) -> str:
        return v1_string_to_sign(self.request, self.request.query["Expires"])


def read_v1_query(request: OssRequest) -> V1Query:
    """Read the parameters.

    Args:
        request: A request that has one of `MARKS` in its query.

    Raises:
        OssError: One that is needed is missing or blank.
    """
    if not all(request.query.get(name) for name in ("OSSAccessKeyId", "Expires", "Signature")):
        raise access_denied(
            "A signed URL needs the parameters OSSAccessKeyId, Expires and Signature.", OTHER_EC
        )
    return V1Query(request)
