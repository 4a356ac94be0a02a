"""The headers that an object keeps, and those that speak of it."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sts_server.sandbox.oss.acl import OBJECT_ACLS
from sts_server.sandbox.oss.errors import header_not_implemented, invalid_argument
from sts_server.sandbox.oss.operation import META
from sts_server.sandbox.oss.tags import check_tags
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.record import Kind, Record

MAX_META_BYTES = 8 * 1024
STORED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
DEFAULT_CONTENT_TYPE = "application/octet-stream"
# What a write may say about the object beside its bytes.
FORBID = "x-oss-forbid-overwrite"
WRITE_HEADERS = frozenset(
    {FORBID, "x-oss-object-acl", "x-oss-storage-class", "x-oss-tagging", META}
)


def checksum_headers(record: Record) -> dict[str, str]:
    """Give the headers that let a client check the bytes."""
    md5 = record.content_md5
    return {
        **({"Content-MD5": md5} if md5 and record.kind is Kind.NORMAL else {}),
        "ETag": f'"{record.etag}"',
        "x-oss-hash-crc64ecma": str(record.digest.crc64),
    }


def kept_headers(record: Record) -> dict[str, str]:
    """Give the headers that were stored with an object, spelled as OSS answers them."""
    return {
        name.title() if name in STORED_HEADERS else name: value
        for name, value in record.headers.items()
    }


def version_headers(bucket: Bucket, record: Record | None) -> dict[str, str]:
    """Name the version, in a bucket that has or had versioning."""
    if record is None or not bucket.versioning:
        return {}
    marker = {"x-oss-delete-marker": "true"} if record.marker else {}
    return {"x-oss-version-id": record.version, **marker}


def headers_to_keep(headers: Mapping[str, str]) -> dict[str, str]:
    """Choose the headers of a write that are stored with the object.

    Args:
        headers: Request headers with lower-case names.

    Raises:
        OssError: The user metadata is too large, or the storage class is not Standard.
    """
    if headers.get("x-oss-storage-class", "Standard") != "Standard":
        raise header_not_implemented("x-oss-storage-class")
    meta = {name: value for name, value in headers.items() if name.startswith(META)}
    if (
        sum(_wire_length(name) + _wire_length(value) for name, value in meta.items())
        > MAX_META_BYTES
    ):
        raise invalid_argument("x-oss-meta", "", "The user metadata is larger than 8 KB.")
    stored = {name: headers[name] for name in STORED_HEADERS if name in headers}
    return {"content-type": DEFAULT_CONTENT_TYPE, **stored, **meta}


def object_acl(headers: Mapping[str, str]) -> str:
    """Read the ACL that a write gives its object.

    Raises:
        OssError: There is no such ACL.
    """
    acl = headers.get("x-oss-object-acl", "default")
    if acl not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", acl, "no such bucket access control exists")
    return acl


def tags_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Read the tags that a write gives its object (OSS: "PutObject", `x-oss-tagging`).

    Raises:
        OssError: They are not the form of a query, or break a limit.
    """
    text = headers.get("x-oss-tagging", "")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        raise invalid_argument("x-oss-tagging", text, "The tags are not key=value&...") from None
    return check_tags(pairs)


def forbids_overwrite(headers: Mapping[str, str]) -> bool:
    """Read `x-oss-forbid-overwrite`.

    Raises:
        OssError: It is neither true nor false.
    """
    return read_flag(headers, FORBID)


def read_flag(headers: Mapping[str, str], name: str) -> bool:
    """Read a header that is true or false, and false when it is missing.

    Raises:
        OssError: It is neither.
    """
    value = headers.get(name, "false")
    if value.lower() not in ("true", "false"):
        raise invalid_argument(name, value, "The value is true or false.")
    return value.lower() == "true"


def _wire_length(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
