"""The label: what a kept file says behind its bytes about the object they are. Pure."""

import json
import struct
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from fastcrc import crc64

from sts_client.objects import Head

_END = struct.Struct(">4sQI")
_MAGIC = b"oss1"
LARGEST = 256 * 1024
"""Bytes; a key has 1,023 and the user's metadata at most 8 KiB ("PutObject")."""


def written(head: Head, crc: int) -> bytes:
    """Write a label.

    Args:
        head: of the object.
        crc: the CRC-64 of the bytes that came.
    """
    text = json.dumps(
        {
            "key": head.key,
            "etag": head.etag,
            "size": head.size,
            "modified": head.last_modified and head.last_modified.isoformat(),
            "type": head.content_type,
            "metadata": dict(head.metadata),
            "crc64": crc,
        }
    ).encode()
    return text + _END.pack(_MAGIC, crc64.xz(text), len(text))


def read(end: bytes, length: int, key: str) -> Head | None:
    """Read the label of a file; None if it is damaged, or not about this object.

    Args:
        end: what the file ends with, at most `LARGEST` bytes.
        length: of the file in bytes.
        key: of the object.
    """
    with suppress(KeyError, RecursionError, TypeError, ValueError, struct.error):
        magic, crc, size = _END.unpack(end[-_END.size :])
        text = end[-_END.size - size : -_END.size]
        if magic == _MAGIC and len(text) == size and crc64.xz(text) == crc:
            head = _head(json.loads(text))
            if head.key == key and head.size + size + _END.size == length:
                return head
    return None


def _head(document: Mapping[str, str]) -> Head:
    found: dict[str, object] = dict(document)
    size, crc, metadata = found["size"], found["crc64"], found["metadata"]
    if not isinstance(size, int) or not isinstance(crc, int) or not isinstance(metadata, dict):
        raise TypeError
    return Head(
        key=str(found["key"]),
        etag=str(found["etag"]),
        size=size,
        length=size,
        last_modified=datetime.fromisoformat(document["modified"]) if found["modified"] else None,
        content_type=str(found["type"]),
        metadata=metadata,
        crc64=crc,
        request_id="",
    )
