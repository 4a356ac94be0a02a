"""The V4 signature of OSS, recomputed from the request, whether in a header or in the URL. Pure.

Source: OSS, "Include a V4 signature in the Authorization header", "... in a URL".
"""

import hashlib
import hmac
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from sts_server.sandbox.oss.errors import OssError, invalid_argument
from sts_server.sandbox.oss.request import OssRequest

ALGORITHM = "OSS4-HMAC-SHA256"
PAYLOAD = "UNSIGNED-PAYLOAD"
TERMINATOR = "aliyun_v4_request"
ALWAYS_SIGNED = ("content-type", "content-md5")
MIXED_BLANKS = 3  # up to so many blank parameters, every mix of `name` and `name=` is tried
SCOPE_PARTS = 5
SIGNATURE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Authorization:
    """What an Authorization header says, in any order and spacing of its fields."""

    access_key_id: str
    date: str
    region: str
    additional: tuple[str, ...]
    signature: str = field(repr=False)

    @property
    def scope(self) -> str:
        """Date, region, product and terminator, as they are signed."""
        return f"{self.date}/{self.region}/oss/{TERMINATOR}"


def parse_authorization(header: str) -> Authorization:
    """Read an Authorization header of V4 form.

    Args:
        header: The whole header value.

    Raises:
        OssError: It is not of that form.
    """
    _, _, rest = header.partition(" ")
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in fields:
            raise _malformed("0002-00000224")
        fields[name] = value
    if (
        not {"Credential", "Signature"}
        <= set(fields)
        <= {
            "Credential",
            "Signature",
            "AdditionalHeaders",
        }
    ):
        raise _malformed("0002-00000224")
    return authorization_of(
        fields["Credential"], fields["Signature"], fields.get("AdditionalHeaders", "")
    )


def authorization_of(credential: str, signature: str, additional: str = "") -> Authorization:
    """Read the three parts of a proof, wherever they stood.

    Args:
        credential: `{AccessKey id}/{date}/{region}/oss/aliyun_v4_request`.
        signature: 64 hex digits.
        additional: Names of additional headers, joined with `;`.

    Raises:
        OssError: One of them is not of that form.
    """
    scope = credential.rsplit("/", SCOPE_PARTS - 1)
    if len(scope) != SCOPE_PARTS or scope[3:] != ["oss", TERMINATOR] or not all(scope):
        raise _malformed("0002-00000224")
    if not SIGNATURE.fullmatch(signature):
        raise _malformed("0002-00000208")
    return Authorization(
        access_key_id=scope[0],
        date=scope[1],
        region=scope[2],
        additional=tuple(sorted(name for name in additional.lower().split(";") if name)),
        signature=signature,
    )


def _malformed(ec: str) -> OssError:
    return invalid_argument("Authorization", "", "The authorization header is malformed.", ec)


def canonical_requests(request: OssRequest, additional: Iterable[str]) -> Iterator[str]:
    """Render the canonical request in every way that a correct signer may have.

    The documentation wants a blank parameter as `name`; ali-oss signs some as `name=`, and the
    wire does not tell which. The documented form comes first.

    Args:
        request: The request.
        additional: Lower-case names of the additional signed headers, sorted.
    """
    additional = tuple(additional)
    for query in _canonical_queries(request.query):
        yield "\n".join(
            (
                request.method,
                _canonical_path(request),
                query,
                _canonical_headers(request.headers, additional),
                ";".join(additional),
                PAYLOAD,
            )
        )


def string_to_sign(date: str, scope: str, canonical_request: str) -> str:
    """Build the text whose HMAC is the signature.

    Args:
        date: Value of `x-oss-date`.
        scope: Date, region, product and terminator.
        canonical_request: The canonical request.
    """
    digest = hashlib.sha256(canonical_request.encode(errors="surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{date}\n{scope}\n{digest}"


def signing_key(secret: str, scope: str) -> bytes:
    """Derive the signing key of one scope."""
    key = f"aliyun_v4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(errors="surrogateescape"), "sha256")
    return key


def matches(
    secret: str, request: OssRequest, authorization: Authorization, date: str | None = None
) -> bool:
    """Say whether a request was signed with a secret.

    Args:
        secret: The AccessKey secret of the claimed key.
        request: The request as it arrived.
        authorization: Its parsed Authorization header, or the same from its URL.
        date: The `x-oss-date` of the URL; None for that of the headers.
    """
    key = signing_key(secret, authorization.scope)
    if date is None:
        date = request.headers.get("x-oss-date", "")
    given = authorization.signature.encode()
    found = False
    for canonical in canonical_requests(request, authorization.additional):
        text = string_to_sign(date, authorization.scope, canonical)
        signed = text.encode(errors="surrogateescape")
        ours = hmac.digest(key, signed, "sha256").hex().encode()
        found |= hmac.compare_digest(ours, given)
    return found


def _encode(text: str, safe: str = "") -> str:
    return quote(text, safe=safe)


def _canonical_path(request: OssRequest) -> str:
    return _encode(f"/{request.bucket}/{request.key}" if request.bucket else "/", safe="/")


def _canonical_queries(query: Mapping[str, str]) -> Iterator[str]:
    pairs = sorted(
        (_encode(name), _encode(value))
        for name, value in query.items()
        if name != "x-oss-signature"
    )
    blanks = [name for name, value in pairs if not value]
    bare: Iterable[tuple[str, ...]]
    if len(blanks) <= MIXED_BLANKS:
        bare = itertools.chain.from_iterable(
            itertools.combinations(blanks, count) for count in range(len(blanks), -1, -1)
        )
    else:
        bare = (tuple(blanks), ())
    for names in bare:
        yield "&".join(n if n in names else f"{n}={v}" for n, v in pairs)


def _canonical_headers(headers: Mapping[str, str], additional: tuple[str, ...]) -> str:
    return "".join(
        f"{name}:{value}\n"
        for name, value in sorted(headers.items())
        if name.startswith("x-oss-") or name in ALWAYS_SIGNED or name in additional
    )
