"""Signatures among the fields of a form: of its policy, and of nothing else (OSS: "PostObject")."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.proofs.dates import MAX_SKEW, iso_basic, too_skewed
from sts_server.sandbox.oss.proofs.scope import check_scope
from sts_server.sandbox.oss.proofs.v1 import v1_matches
from sts_server.sandbox.oss.signature import (
    ALGORITHM,
    Authorization,
    authorization_of,
    signing_key,
)

V4_FIELDS = ("policy", "x-oss-credential", "x-oss-date", "x-oss-signature")
V1_FIELDS = ("policy", "ossaccesskeyid", "signature")


@dataclass(frozen=True)
class V4Form:
    """A form whose policy has a V4 signature."""

    mismatch_ec: ClassVar[str] = "0002-00000201"
    fields: Mapping[str, str] = field(repr=False)
    authorization: Authorization

    @property
    def access_key_id(self) -> str:
        """The key of the credential."""
        return self.authorization.access_key_id

    @property
    def token(self) -> str | None:
        """The token field."""
        return self.fields.get("x-oss-security-token")

    def check(self, now: datetime, region: str) -> None:
        """Check that the signature is not from the future, and where it is meant for."""
        text = self.fields["x-oss-date"]
        date = iso_basic(text)
        if date - now > MAX_SKEW:
            raise too_skewed(date, now)
        check_scope(self.authorization, text, region, "x-oss-credential")

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        key = signing_key(secret, self.authorization.scope)
        ours = hmac.digest(key, self.fields["policy"].encode(), "sha256").hex()
        return hmac.compare_digest(ours.encode(), self.authorization.signature.encode())

    def evidence(self) -> Mapping[str, str]:
        """Give the policy as it was signed."""
        signature = self.authorization.signature
        return {"SignatureProvided": signature, "StringToSign": self.fields["policy"]}


@dataclass(frozen=True)
class V1Form:
    """A form whose policy has a V1 signature."""

    mismatch_ec: ClassVar[str] = "0002-00000040"
    fields: Mapping[str, str] = field(repr=False)

    @property
    def access_key_id(self) -> str:
        """The key field."""
        return self.fields["ossaccesskeyid"]

    @property
    def token(self) -> str | None:
        """The token field."""
        return self.fields.get("x-oss-security-token")

    def check(self, now: datetime, region: str) -> None:
        """Check nothing: only the policy ends, and V1 names no region."""

    def matches(self, secret: str) -> bool:
        """Say whether the signature was made with a secret."""
        return v1_matches(secret, self.fields["policy"], self.fields["signature"])

    def evidence(self) -> Mapping[str, str]:
        """Give the policy as it was signed."""
        return {
            "SignatureProvided": self.fields["signature"],
            "StringToSign": self.fields["policy"],
        }


def read_form(fields: Mapping[str, str]) -> V4Form | V1Form | None:
    """Find the one proof among the fields, or None when they hold nothing of any.

    Args:
        fields: The fields by lower-case name.

    Raises:
        OssError: It is incomplete or malformed, or there are two.
    """
    v4 = {"x-oss-signature-version", *V4_FIELDS} & set(fields) - {"policy"}
    v1 = set(V1_FIELDS) & set(fields) - {"policy"}
    if not v4 and not v1 and "policy" not in fields:
        return None
    if v4 and v1:
        raise invalid_argument("signature", "", "More than one authentication was given.")
    for name in V4_FIELDS if v4 else V1_FIELDS:
        if not fields.get(name):
            raise invalid_argument(name, "", f"The form field {name} is missing.")
    if v1:
        return V1Form(fields)
    if fields.get("x-oss-signature-version") != ALGORITHM:
        raise invalid_argument("x-oss-signature-version", "", f"The only version is {ALGORITHM}.")
    credential, signature = fields["x-oss-credential"], fields["x-oss-signature"]
    return V4Form(fields, authorization_of(credential, signature))
