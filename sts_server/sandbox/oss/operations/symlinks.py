"""PutSymlink and GetSymlink: an object that stands for another one."""

import hashlib
from dataclasses import replace
from urllib.parse import quote, unquote_to_bytes

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.conditions import http_date
from sts_server.sandbox.oss.errors import OssError, file_already_exists, invalid_argument
from sts_server.sandbox.oss.headers import WRITE_HEADERS, forbids_overwrite, version_headers
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.reading import find_record
from sts_server.sandbox.oss.operations.writing import described_object
from sts_server.sandbox.oss.request import object_name
from sts_server.sandbox.store.record import Kind

TARGET = "x-oss-symlink-target"


async def put_symlink(call: Call) -> Answer:
    """PutSymlink: what it leads to is not looked at (OSS: "PutSymlink").

    Raises:
        OssError: The target is no object name, or the key is taken and must not be overwritten.
    """
    forbid = forbids_overwrite(call.header)
    described = described_object(call)
    given = call.header.get(TARGET, "").encode(errors="surrogateescape")
    target = object_name(unquote_to_bytes(given))
    if not target:
        raise invalid_argument(TARGET, "", "A symbolic link leads to an object.")
    tag = hashlib.md5(target.encode(), usedforsecurity=False).hexdigest().upper()
    record = replace(described, kind=Kind.SYMLINK, target=target, tag=tag)
    try:
        written = await call.store.put(call.request.bucket, record, forbid_overwrite=forbid)
    except AlreadyExistsError:
        raise file_already_exists(record.key) from None
    return Answer(200, {"ETag": f'"{tag}"', **version_headers(call.bucket, written)})


async def get_symlink(call: Call) -> Answer:
    """GetSymlink: what it leads to.

    Raises:
        OssError: There is no such object, or it is no symbolic link.
    """
    record = await find_record(call)
    if record.kind is not Kind.SYMLINK:
        raise OssError(
            400,
            "NotSymlink",
            "The object is not a symbolic link.",
            details={"Key": record.key},
        )
    return Answer(
        200,
        {
            TARGET: quote(record.target),
            "ETag": f'"{record.etag}"',
            "Last-Modified": http_date(record.modified),
            **version_headers(call.bucket, record),
        },
    )


OPERATIONS = (
    Operation(
        "PutSymlink",
        "PUT",
        Level.OBJECT,
        "oss:PutObject",
        put_symlink,
        when=("symlink",),
        headers=WRITE_HEADERS | {TARGET},
    ),
    Operation(
        "GetSymlink",
        "GET",
        Level.OBJECT,
        "oss:GetObject",
        get_symlink,
        when=("symlink",),
        version_action="oss:GetObjectVersion",
    ),
)
