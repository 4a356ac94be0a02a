"""V4 signatures in the URL (OSS: "Include a V4 signature in a URL")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from sts_server.sandbox.oss.errors import OssError, invalid_argument
from sts_server.sandbox.oss.proofs.dates import MAX_SKEW, has_expired, iso_basic, too_skewed
from sts_server.sandbox.oss.proofs.scope import check_scope
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import (
    ALGORITHM,
    Authorization,
    authorization_of,
    canonical_requests,
    matches,
    string_to_sign,
)

# Any of these says that the URL is meant to be signed; the others only go along.
MARKS = frozenset({"x-oss-credential", "x-oss-signature", "x-oss-signature-version"})
PARAMETERS = MARKS | {
    "x-oss-additional-headers",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-security-token",
}
MAX_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class V4Query:
    """A request whose URL carries a V4 signature."""

    mismatch_ec: ClassVar[str] = "0002-00000201"
    request: OssRequest = field(repr=False)
    authorization: Authorization

    @property
    def access_key_id(self) -> str:
        """The key of the credential."""
        return self.authorization.access_key_id

    @property
    def token(self) -> str | None:
        """The token parameter."""
        return self.request.query.get("x-oss-security-token")

    def check(self, now: datetime, region: str) -> None:
        """Check that the URL has begun and not ended, and where it is meant for."""
        query = self.request.query
        date = iso_basic(query.get("x-oss-date"))
        seconds = _seconds(query["x-oss-expires"])
        if date - now > MAX_SKEW:
            raise too_skewed(date, now)
        if date + seconds < now:
            raise has_expired(date + seconds, now)
        check_scope(self.authorization, query["x-oss-date"], region, "x-oss-credential")

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        date = self.request.query.get("x-oss-date", "")
        return matches(secret, self.request, self.authorization, date)

    def evidence(self) -> Mapping[str, str]:
        """Give the canonical request and the text to sign."""
        canonical = next(canonical_requests(self.request, self.authorization.additional))
        date = self.request.query["x-oss-date"]
        return {
            "SignatureProvided": self.authorization.signature,
            "StringToSign": string_to_sign(date, self.authorization.scope, canonical),
            "CanonicalRequest": canonical,
        }


def read_v4_query(request: OssRequest) -> V4Query:
    """Read the parameters.

    Args:
        request: A request that has one of `MARKS` in its query.

    Raises:
        OssError: One that is needed is missing, blank or malformed.
    """
    query = request.query
    if query.get("x-oss-signature-version") != ALGORITHM:
        raise _refused("x-oss-signature-version", f"The only version is {ALGORITHM}.")
    if "x-oss-expires" not in query:
        raise _refused("x-oss-expires", "A signed URL needs x-oss-expires.", "0002-00000215")
    if not query.get("x-oss-signature"):
        ec = "0002-00000220" if "x-oss-signature" in query else "0002-00000219"
        raise _refused("x-oss-signature", "A signed URL needs x-oss-signature.", ec)
    return V4Query(
        request,
        authorization_of(
            query.get("x-oss-credential", ""),
            query["x-oss-signature"],
            query.get("x-oss-additional-headers", ""),
        ),
    )


def _seconds(text: str) -> timedelta:
    seconds = int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    if not 1 <= seconds <= MAX_SECONDS:
        raise _refused("x-oss-expires", f"It is 1 to {MAX_SECONDS} seconds.", "0002-00000232")
    return timedelta(seconds=seconds)


def _refused(name: str, message: str, ec: str = "0000-00000000") -> OssError:
    return invalid_argument(name, "", message, ec)
