"""PutObject and DeleteObject: whole or not at all."""

from dataclasses import replace

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import file_already_exists
from sts_server.sandbox.oss.headers import (
    WRITE_HEADERS,
    checksum_headers,
    forbids_overwrite,
    headers_to_keep,
    object_acl,
    tags_of,
    version_headers,
)
from sts_server.sandbox.oss.incoming import check_length, content_md5, take_in
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.store.record import NO_BODY, Record


async def put_object(call: Call) -> Answer:
    """PutObject: take the body in, and make it an object when all of it is there and right.

    Raises:
        OssError: The request is wrong, or the key is taken and must not be overwritten.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    check_length(call.header)
    content_md5(call.header)
    forbid = forbids_overwrite(call.header)
    described = described_object(call)
    async with call.store.receive() as upload:
        digest = await take_in(call, upload)
        record = replace(described, digest=digest, modified=call.store.timestamp())
        try:
            record = await call.store.commit(
                call.request.bucket, upload, record, forbid_overwrite=forbid
            )
        except AlreadyExistsError:
            raise file_already_exists(call.request.key) from None
    return Answer(200, {**checksum_headers(record), **version_headers(call.bucket, record)})


def described_object(call: Call) -> Record:
    """Give an object without a body, with all that the headers of a write say of it.

    Raises:
        OssError: A header is wrong.
    """
    return Record(
        call.request.key,
        "",
        NO_BODY,
        call.store.timestamp(),
        headers_to_keep(call.header),
        acl=object_acl(call.header),
        tags=tags_of(call.header),
    )


async def delete_object(call: Call) -> Answer:
    """DeleteObject: 204, whether or not there was one."""
    version = call.query.get("versionId", "")
    gone = await call.store.delete(call.request.bucket, call.request.key, version)
    return Answer(204, version_headers(call.bucket, gone))


OPERATIONS = (
    Operation("PutObject", "PUT", Level.OBJECT, "oss:PutObject", put_object, headers=WRITE_HEADERS),
    Operation(
        "DeleteObject",
        "DELETE",
        Level.OBJECT,
        "oss:DeleteObject",
        delete_object,
        version_action="oss:DeleteObjectVersion",
    ),
)
