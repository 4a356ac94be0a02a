"""OSS signature version 4 in the Authorization header: pure functions and one auth.

Rules: "Include a V4 signature in the Authorization header" in the OSS documentation. The payload
is not hashed (OSS accepts nothing but UNSIGNED-PAYLOAD); TLS and CRC-64 guard the body.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from requests import PreparedRequest
from requests.auth import AuthBase

from sts_client.credentials import Credentials

ALGORITHM = "OSS4-HMAC-SHA256"
TERMINATOR = "aliyun_v4_request"
UNSIGNED = "UNSIGNED-PAYLOAD"

ADDITIONAL = frozenset(
    {"if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "range"}
)
"""Headers that OSS signs only when asked to, and that change what a request means.

Unsigned, they could be taken out or turned round on the way: a guarded read would become an
unguarded one and still verify. Whatever else a proxy may rightly touch stays out.
"""

Query = Sequence[tuple[str, str]]


def encode(text: str, *, keep: str = "") -> str:
    """Percent-encode all but the unreserved characters of RFC 3986, section 2.3, and `keep`."""
    return quote(text, safe=keep)


def canonical_query(query: Query) -> str:
    """Return the parameters sorted and encoded; one without a value is its name alone."""
    pairs = sorted((encode(name), encode(value)) for name, value in query)
    return "&".join(f"{name}={value}" if value else name for name, value in pairs)


def canonical_request(
    method: str, bucket: str, key: str, query: Query, headers: Mapping[str, str]
) -> tuple[str, str]:
    """Return the canonical request, and the additional headers it signs joined by ``;``.

    Args:
        method: in capitals.
        bucket: is part of the path here even where the URL has it in the host.
        key: not encoded; "" for requests on the bucket.
        query: not encoded, every parameter that is sent.
        headers: all that are sent; those that have to be signed are picked out.
    """
    lines: list[str] = []
    additional: list[str] = []
    for name, value in sorted((name.lower(), value) for name, value in headers.items()):
        if name in ADDITIONAL:
            additional.append(name)
        elif not name.startswith("x-oss-") and name not in ("content-type", "content-md5"):
            continue
        lines.append(f"{name}:{value.strip()}\n")
    listed = ";".join(additional)
    path = encode(f"/{bucket}/{key}", keep="/")
    text = f"{method}\n{path}\n{canonical_query(query)}\n{''.join(lines)}\n{listed}\n{UNSIGNED}"
    return text, listed


def scope(day: str, region: str) -> str:
    """Return what a signing key is good for: one day in one region."""
    return f"{day}/{region}/oss/{TERMINATOR}"


def string_to_sign(canonical: str, timestamp: str, region: str) -> str:
    """Return the text under the signature; `timestamp` is ``YYYYMMDDTHHMMSSZ``."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope(timestamp[:8], region)}\n{digest}"


def signing_key(secret: str, day: str, region: str) -> bytes:
    """Derive the key of one day and region from the AccessKey secret."""
    key = f"aliyun_v4{secret}".encode()
    for step in (day, region, "oss", TERMINATOR):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """Return the signature of `text` in hexadecimal."""
    return hmac.digest(key, text.encode(), "sha256").hex()


class SigningKeys:
    """Remembers the last signing key, which serves for a day, and forgets it with its owner."""

    def __init__(self) -> None:
        self._last: tuple[str, str, str, bytes] | None = None

    def key(self, secret: str, day: str, region: str) -> bytes:
        """Return the signing key; one tuple is read and replaced whole, so no lock is needed."""
        last = self._last
        if last is not None and last[:3] == (secret, day, region):
            return last[3]
        made = signing_key(secret, day, region)
        self._last = (secret, day, region, made)
        return made


@dataclass(frozen=True)
class V4Auth(AuthBase):
    """Signs one request: `headers` for any HTTP library, calling it for a prepared one of requests.

    Bucket, key and query are given, not read off the URL: a URL does not say which part of it is
    the bucket, and whether ``%2F`` was one character of the key or a mistake.

    Attributes:
        credentials: whose signature.
        region: general region id such as ``cn-hangzhou``.
        bucket: in the URL or not, it is part of what is signed.
        key: not encoded; "" for requests on the bucket.
        now: seconds since the epoch by a clock that OSS agrees with.
        query: not encoded, every parameter of the URL.
        keys: where signing keys are remembered between requests.
    """

    credentials: Credentials
    region: str
    bucket: str
    key: str
    now: float
    query: Query = ()
    keys: SigningKeys = field(default_factory=SigningKeys, repr=False)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Add the headers of the signature to the request and return it."""
        r.headers.update(self.headers(str(r.method), r.headers))
        return r

    def headers(self, method: str, sent: Mapping[str, str]) -> dict[str, str]:
        """Return the headers to add to those that are sent."""
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now))
        added = {"x-oss-date": timestamp, "x-oss-content-sha256": UNSIGNED}
        if self.credentials.security_token:
            added["x-oss-security-token"] = self.credentials.security_token
        all_of_them = {**sent, **added}
        added["Authorization"] = self._authorization(method, all_of_them, timestamp)
        return added

    def in_query(self, method: str, sent: Mapping[str, str], seconds: int) -> Query:
        """Return the query of a signed URL, for whoever sends just these headers.

        Rules: "Include a V4 signature in a URL". What the URL asks for is valid for so many
        seconds, at most until the security token ends.
        """
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now))
        credential = f"{self.credentials.access_key_id}/{scope(timestamp[:8], self.region)}"
        query = [
            *self.query,
            ("x-oss-signature-version", ALGORITHM),
            ("x-oss-credential", credential),
            ("x-oss-date", timestamp),
            ("x-oss-expires", str(seconds)),
        ]
        if self.credentials.security_token:
            query.append(("x-oss-security-token", self.credentials.security_token))
        listed = ";".join(sorted(name.lower() for name in sent if name.lower() in ADDITIONAL))
        if listed:
            query.append(("x-oss-additional-headers", listed))
        canonical, _ = canonical_request(method, self.bucket, self.key, query, sent)
        return (*query, ("x-oss-signature", self._signature(canonical, timestamp)))

    def _authorization(self, method: str, headers: Mapping[str, str], timestamp: str) -> str:
        canonical, listed = canonical_request(method, self.bucket, self.key, self.query, headers)
        signed = self._signature(canonical, timestamp)
        additional = f"AdditionalHeaders={listed}," if listed else ""
        credential = f"{self.credentials.access_key_id}/{scope(timestamp[:8], self.region)}"
        return f"{ALGORITHM} Credential={credential},{additional}Signature={signed}"

    def _signature(self, canonical: str, timestamp: str) -> str:
        key = self.keys.key(self.credentials.access_key_secret, timestamp[:8], self.region)
        return signature(key, string_to_sign(canonical, timestamp, self.region))
