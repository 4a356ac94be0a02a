"""One OSS request as plain values, read from what arrived on the wire and not normalised."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from sts_server.sandbox.oss.addressing import Names, Place, host_of, places
from sts_server.sandbox.oss.errors import OssError, invalid_argument

MAX_KEY_BYTES = 1023
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")

# Sent twice, each of these could be signed with one value and served with the other.
SINGLE = re.compile(r"authorization|content-(type|md5|length)|range|host|if-.*|x-oss-.*")


@dataclass(frozen=True)
class OssRequest:
    """Method, bucket, key, query, headers and peer of one request.

    Attributes:
        method: `GET`, `PUT`, ...
        bucket: Bucket name, or empty for a service-level request.
        key: Decoded object name, or empty for a bucket-level request.
        query: Decoded parameters; a name occurs once, a blank value is kept.
        headers: Lower-case names. Bytes that are not UTF-8 survive as surrogates.
        peer: IP address of the client.
        secure: Whether it came over TLS.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    peer: str
    secure: bool


def read_requests(scope: Mapping[str, Any], names: Names) -> list[OssRequest]:
    """Read an ASGI HTTP scope in every way that its host and path allow, the likeliest first.

    Args:
        scope: The ASGI connection scope.
        names: What the sandbox is called.

    Raises:
        OssError: No reading is legal; this is what is wrong with the first.
    """
    host = host_of(dict(scope["headers"]))
    first, *others = places(host, scope["raw_path"], names)
    requests = [] if others else [read_request(scope, first)]
    for place in (first, *others) if others else ():
        with suppress(OssError):
            requests.append(read_request(scope, place))
    return requests or [read_request(scope, first)]


def read_request(scope: Mapping[str, Any], place: Place | None = None) -> OssRequest:
    """Read an ASGI HTTP scope in one way.

    Args:
        scope: The ASGI connection scope; `raw_path` and `query_string` are what counts.
        place: Its bucket and key; None for those in the path.

    Raises:
        OssError: The bucket or object name is illegal, or something occurs twice.
    """
    place = place or places("", scope["raw_path"], Names())[0]
    client = scope.get("client")
    return OssRequest(
        method=scope["method"],
        bucket=_bucket(place.bucket),
        key=_key(place.key),
        query=_query(scope["query_string"]),
        headers=_headers(scope["headers"]),
        peer=client[0] if client else "127.0.0.1",
        secure=scope["scheme"] == "https",
    )


def _bucket(raw: bytes) -> str:
    name = raw.decode("ascii", "replace")
    if name and not BUCKET_NAME.fullmatch(name):
        raise OssError(
            400,
            "InvalidBucketName",
            "The specified bucket is not valid.",
            "0015-00000001",
            {"BucketName": name},
        )
    return name


def _key(raw: bytes) -> str:
    return object_name(unquote_to_bytes(raw))


def object_name(name: bytes) -> str:
    """Read an object name (OSS: "Object naming conventions").

    Args:
        name: Its UTF-8 bytes, no longer encoded.

    Raises:
        OssError: It is illegal.
    """
    try:
        key = name.decode()
    except UnicodeDecodeError:
        key = ""
        legal = False
    else:
        legal = len(name) <= MAX_KEY_BYTES and not key.startswith(("/", "\\"))
    if not legal:
        raise OssError(
            400, "InvalidObjectName", "The specified object is not valid.", "0016-00000002"
        )
    return key


def _query(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise invalid_argument("query", "", "The query string is not UTF-8.") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        name = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise invalid_argument(name, "", "A query parameter occurs more than once.")
    return query


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name = name_bytes.decode("latin-1").lower()
        value = value_bytes.decode("utf-8", "surrogateescape").strip()
        if name in headers and SINGLE.fullmatch(name):
            raise invalid_argument(name, "", "A header occurs more than once.")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
