"""V1 signatures in the Authorization header (OSS: "Include a V1 signature in the header")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.proofs.dates import check_skew, gmt
from sts_server.sandbox.oss.proofs.v1 import v1_matches, v1_string_to_sign
from sts_server.sandbox.oss.request import OssRequest

HEADER = re.compile(r"OSS +(?P<key>[^:\s]+):(?P<signature>\S+)")


@dataclass(frozen=True)
class V1Header:
    """A request with a V1 Authorization header."""

    mismatch_ec: ClassVar[str] = "0002-00000040"
    request: OssRequest = field(repr=False)
    access_key_id: str
    signature: str = field(repr=False)

    @property
    def token(self) -> str | None:
        """The token header.

        alibabacloud-oss-v2 calls it `security-token` here, and so does not sign it.
        """
        headers = self.request.headers
        return headers.get("x-oss-security-token", headers.get("security-token"))

    def check(self, now: datetime, region: str) -> None:  # noqa: ARG002 - V1 names no region
        """Check the date, which ali-oss sends as `x-oss-date`, in GMT all the same."""
        check_skew(gmt(self._date), now)

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        return v1_matches(secret, self._text, self.signature)

    def evidence(self) -> Mapping[str, str]:
        """Give the text to sign."""
        return {"SignatureProvided": self.signature, "StringToSign": self._text}

    @property
    def _date(self) -> str | None:
        return self.request.headers.get("x-oss-date", self.request.headers.get("date"))

    @property
    def _text(self) -> str:
        return v1_string_to_sign(self.request, self._date or "")


def read_v1_header(request: OssRequest) -> V1Header:
    """Read the header.

    Raises:
        OssError: It is malformed.
    """
    found = HEADER.fullmatch(request.headers["authorization"])
    if found is None:
        message = "The authorization header is malformed."
        raise invalid_argument("Authorization", "", message)
    return V1Header(request, found["key"], found["signature"])
