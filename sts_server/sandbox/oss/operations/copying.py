"""CopyObject and UploadPartCopy: bytes that are here already, in a second place."""

import os
import re
from dataclasses import replace
from functools import partial

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import (
    denied_by_policy,
    file_already_exists,
    invalid_argument,
    invalid_range,
)
from sts_server.sandbox.oss.headers import WRITE_HEADERS, forbids_overwrite, version_headers
from sts_server.sandbox.oss.incoming import MAX_PUT_BYTES, too_large
from sts_server.sandbox.oss.naming import xml_time
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.multipart import (
    SENDING_EC,
    find_upload,
    keep_part,
    part_number,
)
from sts_server.sandbox.oss.operations.writing import described_object
from sts_server.sandbox.oss.sources import (
    SOURCE,
    SOURCE_PREFIX,
    Source,
    may_copy,
    missing_source,
    source_of,
)
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.overwrite import refuse_overwrite
from sts_server.sandbox.store.record import Kind, Record
from sts_server.sandbox.store.upload import COPY_BYTES
from sts_server.sandbox.xml import Element, elements

METADATA = "x-oss-metadata-directive"
TAGGING = "x-oss-tagging-directive"
SOURCE_RANGE = "x-oss-copy-source-range"
RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})", re.ASCII)


async def copy_object(call: Call) -> Answer:
    """CopyObject (OSS: "CopyObject"), in one step with the look at its source.

    Raises:
        OssError: A header is wrong, the source is missing, is not to be copied, or fails a
            condition, or the target is taken and must not be overwritten.
    """
    source = await source_of(call)
    forbid = forbids_overwrite(call.header)
    wish = described_object(call)
    own_headers = _directive(call, METADATA) == "REPLACE"
    own_tags = _directive(call, TAGGING) == "REPLACE"
    bucket = call.request.bucket
    tags_allowed = own_tags or await _may_copy_tags(call, source)
    itself = (source.bucket, source.key) == (bucket, wish.key)

    def copy(index: Index) -> tuple[tuple[Record, Record] | None, list[str]]:
        found = index.find(source.bucket, source.key, source.version)
        if found is None:
            raise missing_source(source)
        if not may_copy(call, source, found):
            return None, []
        if found.digest.size > MAX_PUT_BYTES:
            raise too_large(found.digest.size, MAX_PUT_BYTES)
        if found.tags and not tags_allowed:
            raise denied_by_policy()  # they were given to it a moment ago
        refuse_overwrite(index, bucket, wish.key, forbid=forbid)
        record = replace(
            wish,
            file=call.store.bodies.duplicate(found.file),
            digest=found.digest,
            kind=Kind.NORMAL,
            tag=found.tag,
            # A copy onto itself is how metadata is changed, so it takes what the request says.
            headers=wish.headers if own_headers or itself else found.headers,
            tags=wish.tags if own_tags else found.tags,
        )
        written, gone = index.put(bucket, record)
        return (written, found), gone

    try:
        copied = await call.store.change(copy)
    except AlreadyExistsError:
        raise file_already_exists(wish.key) from None
    if copied is None:
        return Answer(304)
    record, found = copied
    texts = {"ETag": f'"{record.etag}"', "LastModified": xml_time(record.modified)}
    answer = xml_answer(Element("CopyObjectResult", elements(texts)))
    return Answer(200, {**answer.headers, **_about(call, source, record, found)}, answer.body)


async def upload_part_copy(call: Call) -> Answer:
    """UploadPartCopy: a part whose bytes are those of an object, or some of them.

    Raises:
        OssError: A header is wrong, the source is missing, is not to be copied, or fails a
            condition, or there is no such upload.
        DiskFullError: The disk takes no more.
    """
    number = part_number(call)
    source = await source_of(call)
    await find_upload(call, SENDING_EC)
    found = await call.store.open(source.bucket, source.key, source.version)
    if found is None:
        raise missing_source(source)
    record, file = found
    with file:
        if not may_copy(call, source, record):
            return Answer(304)
        position, end = _range(call.header.get(SOURCE_RANGE), record.digest.size)
        if end - position > MAX_PUT_BYTES:
            raise too_large(end - position, MAX_PUT_BYTES)
        async with call.store.receive() as upload:
            while position < end:
                length = min(COPY_BYTES, end - position)
                read = partial(os.pread, file.fileno(), length, position)
                data = await call.store.on_disk(read)
                await upload.write(data)
                position += len(data)
            digest = await upload.finish()
            part = await keep_part(call, number, upload.name, digest)
    texts = {"LastModified": xml_time(part.modified), "ETag": f'"{part.etag}"'}
    answer = xml_answer(Element("CopyPartResult", elements(texts)))
    about = {"ETag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(digest.crc64)}
    return Answer(200, {**answer.headers, **about}, answer.body)


async def _may_copy_tags(call: Call, source: Source) -> bool:
    """Say whether tags may be taken along; a source that has none needs no right for that.

    Raises:
        OssError: It has tags, and the policies do not allow to read them here or write them there.
    """
    found = await call.store.query(
        lambda index: index.find(source.bucket, source.key, source.version)
    )
    if found is None or not found.tags:
        return False
    action = "oss:GetObjectVersionTagging" if source.version else "oss:GetObjectTagging"
    await call.demand(action, source.bucket, source.key, version=source.version)
    await call.demand("oss:PutObjectTagging", call.request.bucket, call.request.key)
    return True


def _about(call: Call, source: Source, record: Record, found: Record) -> dict[str, str]:
    held = call.store.bucket(source.bucket)
    old = {"x-oss-copy-source-version-id": found.version} if held and held.versioning else {}
    return {
        "ETag": f'"{record.etag}"',
        "x-oss-hash-crc64ecma": str(record.digest.crc64),
        **version_headers(call.bucket, record),
        **old,
    }


def _directive(call: Call, name: str) -> str:
    value = call.header.get(name, "COPY")
    if value.upper() not in ("COPY", "REPLACE"):
        raise invalid_argument(name, value, "The value is COPY or REPLACE.")
    return value.upper()


def _range(header: str | None, size: int) -> tuple[int, int]:
    """Give the offset of the first byte and that behind the last.

    Raises:
        OssError: The header is malformed, or leaves the object.
    """
    if header is None:
        return 0, size
    found = RANGE.fullmatch(header)
    if found is None or int(found[2]) < int(found[1]):
        raise invalid_argument(SOURCE_RANGE, header, "The range is bytes=first-last.")
    if int(found[2]) >= size:
        raise invalid_range(header, size)
    return int(found[1]), int(found[2]) + 1


OPERATIONS = (
    Operation(
        "CopyObject",
        "PUT",
        Level.OBJECT,
        "oss:PutObject",
        copy_object,
        header=SOURCE,
        headers=WRITE_HEADERS | {SOURCE_PREFIX, METADATA, TAGGING},
        conditional=True,  # plain ones are there, for ali-oss repeats its headers, and say nothing
    ),
    Operation(
        "UploadPartCopy",
        "PUT",
        Level.OBJECT,
        "oss:PutObject",
        upload_part_copy,
        when=("partNumber", "uploadId"),
        header=SOURCE,
        headers=frozenset({SOURCE_PREFIX}),
        conditional=True,
    ),
)
