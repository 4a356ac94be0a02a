"""GetObject and HeadObject: an object, a part of it, or the news that nothing is new."""

from sts_server.sandbox.oss.answer import Answer, FileBody
from sts_server.sandbox.oss.conditions import Outcome, http_date, judge
from sts_server.sandbox.oss.errors import (
    OssError,
    invalid_argument,
    invalid_range,
    no_such_key,
    precondition_failed,
)
from sts_server.sandbox.oss.headers import checksum_headers, kept_headers
from sts_server.sandbox.oss.operations import RESPONSE_OVERRIDES
from sts_server.sandbox.oss.ranges import Slice, UnsatisfiableError, resolve
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.store.store import Store


async def get_object(request: OssRequest, store: Store) -> Answer:
    """GetObject: the body or a part of it, if the conditions let it be read.

    Raises:
        OssError: There is no such object, a condition fails, or the range is behind the end.
    """
    overrides = _overrides(request)
    found = await store.open(request.bucket, request.key)
    if found is None:
        raise no_such_key(request.key)
    record, file = found
    size = record.digest.size
    try:
        headers = _readable(request, record)
        part = None if headers is None else _part(request, size)
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


async def head_object(request: OssRequest, store: Store) -> Answer:
    """HeadObject: what GetObject would say, without the body.

    Raises:
        OssError: There is no such object, or a condition fails.
    """
    record = await store.query(lambda index: index.find(request.bucket, request.key))
    if record is None:
        raise no_such_key(request.key)
    headers = _readable(request, record)
    if headers is None:
        return Answer(304)
    headers["Content-Length"] = str(record.digest.size)
    return Answer(200, headers)


def _overrides(request: OssRequest) -> dict[str, str]:
    """Give the headers that the caller wants to see in place of the stored ones."""
    headers = {}
    for parameter, header in RESPONSE_OVERRIDES.items():
        value = request.query.get(parameter)
        if value:
            # A line break would let whoever writes the URL write further headers of the answer.
            if not value.isprintable():
                raise invalid_argument(parameter, "", "The value holds a control character.")
            headers[header] = value
    return headers


def _readable(request: OssRequest, record: Record) -> dict[str, str] | None:
    """Give the headers of an object, or None when its reader has it already.

    Raises:
        OssError: A condition fails.
    """
    verdict = judge(request.headers, record.etag, record.modified)
    if verdict.outcome is Outcome.FAILED:
        raise precondition_failed(verdict.header)
    if verdict.outcome is Outcome.NOT_MODIFIED:
        return None
    return {
        **checksum_headers(record),
        **kept_headers(record),
        "Accept-Ranges": "bytes",
        "Last-Modified": http_date(record.modified),
        "x-oss-object-type": "Normal",
        "x-oss-storage-class": "Standard",
    }


def _part(request: OssRequest, size: int) -> Slice | None:
    behavior = request.headers.get("x-oss-range-behavior")
    if behavior not in (None, "standard"):
        raise invalid_argument("x-oss-range-behavior", behavior, "The only value is standard.")
    header = request.headers.get("range")
    try:
        return resolve(header, size, standard=behavior is not None)
    except UnsatisfiableError:
        raise invalid_range(header or "", size) from None
