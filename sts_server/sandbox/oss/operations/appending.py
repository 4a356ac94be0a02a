"""AppendObject: bytes behind those that are there, if the caller knows how many those are."""

import hashlib
from dataclasses import replace

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import (
    OssError,
    file_already_exists,
    invalid_argument,
    operation_not_implemented,
)
from sts_server.sandbox.oss.headers import WRITE_HEADERS, forbids_overwrite
from sts_server.sandbox.oss.incoming import MAX_PUT_BYTES, take_in, too_large
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.writing import described_object
from sts_server.sandbox.store.crc64 import combine
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.overwrite import refuse_overwrite
from sts_server.sandbox.store.record import Digest, Kind, Record
from sts_server.sandbox.store.upload import Upload

NEXT = "x-oss-next-append-position"
MAX_DIGITS = 19


async def append_object(call: Call) -> Answer:
    """AppendObject (OSS: "AppendObject").

    Raises:
        OssError: The position is missing or not the size of the object, the object is of another
            type, or it must not be there.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    position = _position(call)
    forbid = forbids_overwrite(call.header)
    described = described_object(call)
    if call.bucket.versioning:
        raise operation_not_implemented("AppendObject in a bucket with versioning")
    bucket = call.request.bucket
    async with call.store.receive() as upload:
        digest = await take_in(call, upload)
        record = replace(described, digest=digest, modified=call.store.timestamp())

        def append(index: Index) -> tuple[Record, list[str]]:
            refuse_overwrite(index, bucket, record.key, forbid=forbid)
            old = index.find(bucket, record.key)
            _check(old, position, digest.size)
            if old is None:
                first = replace(record, file=upload.name, kind=Kind.APPENDABLE)
                return index.put(bucket, first)
            longer = _longer(old, record)
            call.store.bodies.extend(old.file, position, upload.path)
            index.update(bucket, longer)
            return longer, []

        try:
            written = await call.store.change(append)
        except AlreadyExistsError:
            raise file_already_exists(record.key) from None
        await _clear(upload, written)
    return Answer(
        200,
        {
            "ETag": f'"{written.etag}"',
            "x-oss-hash-crc64ecma": str(written.digest.crc64),
            NEXT: str(written.digest.size),
        },
    )


async def _clear(upload: Upload, written: Record) -> None:
    """Remove the file whose bytes went to the end of another."""
    if written.file != upload.name:
        await upload.discard()


def _longer(old: Record, more: Record) -> Record:
    """Say of an object what is true once bytes are added to it."""
    digest = Digest(
        old.digest.size + more.digest.size,
        b"",
        combine(old.digest.crc64, more.digest.crc64, more.digest.size),
    )
    # The tag of an appended object is undocumented: this one changes with every append.
    tag = hashlib.md5(old.etag.encode() + more.digest.md5, usedforsecurity=False)
    return replace(old, digest=digest, tag=tag.hexdigest().upper(), modified=more.modified)


def _check(old: Record | None, position: int, size: int) -> None:
    """Refuse an append to another type of object, at another place, or beyond 5 GB."""
    if old is not None and old.kind is not Kind.APPENDABLE:
        raise OssError(
            409,
            "ObjectNotAppendable",
            "The object is not appendable.",
            details={"Key": old.key},
        )
    length = old.digest.size if old else 0
    if position != length:
        raise OssError(
            409,
            "PositionNotEqualToLength",
            "Position is not equal to file length",
            details={"Position": str(position), "Length": str(length)},
            headers={NEXT: str(length)},
        )
    if length + size > MAX_PUT_BYTES:
        raise too_large(length + size, MAX_PUT_BYTES)


def _position(call: Call) -> int:
    text = call.query.get("position")
    if text is None:
        raise OssError(
            400,
            "MissingArgument",
            "Missing Some Required Arguments.",
            "0016-00000501",
            {"ArgumentName": "position"},
        )
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise invalid_argument("position", text, "The position is a number of bytes.")
    return int(text)


OPERATIONS = (
    Operation(
        "AppendObject",
        "POST",
        Level.OBJECT,
        "oss:PutObject",
        append_object,
        when=("append",),
        parameters=frozenset({"position"}),
        headers=WRITE_HEADERS,
    ),
)
