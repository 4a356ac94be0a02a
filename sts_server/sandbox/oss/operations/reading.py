"""GetObject, HeadObject and GetObjectMeta: an object, a part of it, or that nothing is new.

A symbolic link is read as what it leads to, by whoever may read that too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

from sts_server.sandbox.oss.answer import Answer, FileBody
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.conditions import Outcome, http_date, judge
from sts_server.sandbox.oss.errors import (
    OssError,
    invalid_argument,
    invalid_range,
    method_not_allowed,
    no_such_key,
    no_such_version,
    precondition_failed,
)
from sts_server.sandbox.oss.headers import checksum_headers, kept_headers, version_headers
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.ranges import Slice, UnsatisfiableError, resolve
from sts_server.sandbox.store.record import Kind, Record

# Query parameter of GetObject -> the response header it replaces.
RESPONSE_OVERRIDES: Mapping[str, str] = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
READ_HEADERS = frozenset({"x-oss-range-behavior"})


async def get_object(call: Call) -> Answer:
    """GetObject: the body or a part of it, if the conditions let it be read.

    Raises:
        OssError: There is no such object, a condition fails, or the range is behind the end.
    """
    overrides = _overrides(call)
    record, file = await _open(call)
    size = record.digest.size
    try:
        headers = _readable(call, record)
        part = None if headers is None else _part(call, size)
    except OssError:
        file.close()
        raise
    if headers is None:
        file.close()
        return Answer(304)
    headers |= overrides
    if part is None:
        headers["Content-Length"] = str(size)
        return Answer(200, headers, FileBody(file, 0, size))
    headers["Content-Length"] = str(part.length)
    headers["Content-Range"] = part.content_range(size)
    return Answer(206, headers, FileBody(file, part.first, part.length))


async def head_object(call: Call) -> Answer:
    """HeadObject: what GetObject would say, without the body.

    Raises:
        OssError: There is no such object, or a condition fails.
    """
    record = await find_record(call)
    if record.kind is Kind.SYMLINK:
        record, file = await _open(call)
        file.close()
    headers = _readable(call, record)
    if headers is None:
        return Answer(304)
    headers["Content-Length"] = str(record.digest.size)
    return Answer(200, headers)


async def get_object_meta(call: Call) -> Answer:
    """GetObjectMeta: size, entity tag and date, and nothing else.

    Raises:
        OssError: There is no such object.
    """
    record = await find_record(call)
    return Answer(
        200,
        {
            "Content-Length": str(record.digest.size),
            "ETag": f'"{record.etag}"',
            "Last-Modified": http_date(record.modified),
            **version_headers(call.bucket, record),
        },
    )


async def find_record(call: Call) -> Record:
    """Look up the object, or the version of it, that a request names.

    Raises:
        OssError: There is none, or it is a delete marker.
    """
    bucket, key, version = _named(call)
    record = await call.store.query(lambda index: index.find(bucket, key, version))
    if record is None:
        raise await missing(call)
    if record.marker:
        raise _is_marker(call, record)
    return record


async def missing(call: Call) -> OssError:
    """Say why an object, or a version of it, cannot be found."""
    bucket, key, version = _named(call)
    if version:
        return no_such_version(key, version)
    hiding = await call.store.query(lambda index: index.find_any(bucket, key))
    return replace(no_such_key(key), headers=version_headers(call.bucket, hiding))


async def _open(call: Call) -> tuple[Record, BinaryIO]:
    bucket, key, version = _named(call)
    found = await call.store.open(bucket, key, version)
    if found is None:
        raise await missing(call)
    record, file = found
    if record.marker:
        file.close()
        raise _is_marker(call, record)
    if record.kind is not Kind.SYMLINK:
        return record, file
    file.close()
    # Whether OSS asks for this right is unconfirmed; without it a link would open every object.
    await call.demand("oss:GetObject", bucket, record.target)
    target = await call.store.open(bucket, record.target)
    if target is None:
        raise OssError(
            404,
            "SymlinkTargetNotExist",
            "The symlink target object does not exist.",
            details={"Key": key},
        )
    aim, file = target
    if aim.kind is Kind.SYMLINK:
        file.close()
        raise OssError(
            400,
            "InvalidTargetType",
            "The symbolic link leads to another symbolic link.",
            details={"Key": key},
        )
    return replace(aim, headers=record.headers, kind=Kind.SYMLINK, version=record.version), file


def _named(call: Call) -> tuple[str, str, str]:
    return call.request.bucket, call.request.key, call.query.get("versionId", "")


def _is_marker(call: Call, record: Record) -> OssError:
    refusal = method_not_allowed(call.request.method, "DELETEMARKER")
    return replace(refusal, headers=version_headers(call.bucket, record))


def _overrides(call: Call) -> dict[str, str]:
    """Give the headers that the caller wants to see in place of the stored ones."""
    headers = {}
    for parameter, header in RESPONSE_OVERRIDES.items():
        value = call.query.get(parameter)
        if value:
            # A line break would let whoever writes the URL write further headers of the answer.
            if not value.isprintable():
                raise invalid_argument(parameter, "", "The value holds a control character.")
            headers[header] = value
    return headers


def _readable(call: Call, record: Record) -> dict[str, str] | None:
    """Give the headers of an object, or None when its reader has it already.

    Raises:
        OssError: A condition fails.
    """
    verdict = judge(call.header, record.etag, record.modified)
    if verdict.outcome is Outcome.FAILED:
        raise precondition_failed(verdict.header)
    if verdict.outcome is Outcome.NOT_MODIFIED:
        return None
    headers = {
        **checksum_headers(record),
        **kept_headers(record),
        "Accept-Ranges": "bytes",
        "Last-Modified": http_date(record.modified),
        "x-oss-object-type": record.kind.value,
        "x-oss-storage-class": "Standard",
        **version_headers(call.bucket, record),
    }
    if record.tags:
        headers["x-oss-tagging-count"] = str(len(record.tags))
    if record.kind is Kind.APPENDABLE:
        headers["x-oss-next-append-position"] = str(record.digest.size)
    return headers


def _part(call: Call, size: int) -> Slice | None:
    behavior = call.header.get("x-oss-range-behavior")
    if behavior not in (None, "standard"):
        raise invalid_argument("x-oss-range-behavior", behavior, "The only value is standard.")
    header = call.header.get("range")
    try:
        return resolve(header, size, standard=behavior is not None)
    except UnsatisfiableError:
        raise invalid_range(header or "", size) from None


OPERATIONS = (
    Operation(
        "GetObject",
        "GET",
        Level.OBJECT,
        "oss:GetObject",
        get_object,
        parameters=frozenset(RESPONSE_OVERRIDES),
        headers=READ_HEADERS,
        conditional=True,
        version_action="oss:GetObjectVersion",
    ),
    Operation(
        "HeadObject",
        "HEAD",
        Level.OBJECT,
        "oss:GetObject",
        head_object,
        headers=READ_HEADERS,
        conditional=True,
        version_action="oss:GetObjectVersion",
    ),
    Operation(
        "GetObjectMeta",
        "HEAD",
        Level.OBJECT,
        "oss:GetObject",
        get_object_meta,
        when=("objectMeta",),
        version_action="oss:GetObjectVersion",
    ),
)
