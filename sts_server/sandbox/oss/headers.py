"""The headers that an object keeps, and those that speak of its bytes."""

from collections.abc import Mapping

from sts_server.sandbox.oss.errors import header_not_implemented, invalid_argument
from sts_server.sandbox.oss.operations import META
from sts_server.sandbox.store.record import Record

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


def checksum_headers(record: Record) -> dict[str, str]:
    """Give the headers that let a client check the bytes."""
    return {
        "Content-MD5": record.content_md5,
        "ETag": f'"{record.etag}"',
        "x-oss-hash-crc64ecma": str(record.digest.crc64),
    }


def kept_headers(record: Record) -> dict[str, str]:
    """Give the headers that were stored with an object, spelled as OSS answers them."""
    return {
        name.title() if name in STORED_HEADERS else name: value
        for name, value in record.headers.items()
    }


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


def _wire_length(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
