"""Multipart upload: begin, send parts, put them together or give up (OSS: "Multipart upload")."""

import secrets

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import OssError, file_already_exists, invalid_argument
from sts_server.sandbox.oss.headers import WRITE_HEADERS, forbids_overwrite
from sts_server.sandbox.oss.incoming import take_in
from sts_server.sandbox.oss.naming import names_of, number_of
from sts_server.sandbox.oss.operation import META, Level, Operation
from sts_server.sandbox.oss.operations.writing import described_object
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.multipart import Multipart, Part
from sts_server.sandbox.store.overwrite import refuse_overwrite
from sts_server.sandbox.store.record import Digest
from sts_server.sandbox.xml import Element

MAX_PART_NUMBER = 10_000
BAD_NUMBER = f"The part number is 1 to {MAX_PART_NUMBER}."
# No such upload, as each operation says it.
LISTING_EC = "0042-00000002"
SENDING_EC = "0042-00000104"
ENDING_EC = "0042-00000311"
ACL, TAGS = "x-oss-object-acl", "x-oss-tagging"


async def initiate(call: Call) -> Answer:
    """InitiateMultipartUpload: give an upload id.

    Raises:
        OssError: A header is wrong, or the key is taken and must not be overwritten.
    """
    bucket, names = call.request.bucket, names_of(call.request)
    forbid = forbids_overwrite(call.header)
    record = described_object(call)
    upload = Multipart(
        secrets.token_hex(16).upper(),
        bucket,
        record.key,
        record.modified,
        record.headers,
        record.acl,
        record.tags,
    )

    def begin(index: Index) -> tuple[None, list[str]]:
        refuse_overwrite(index, bucket, record.key, forbid=forbid)
        index.uploads.add(upload)
        return None, []

    try:
        await call.store.change(begin)
    except AlreadyExistsError:
        raise file_already_exists(record.key) from None
    children = [
        *names.declared(),
        Element("Bucket", bucket),
        names.element("Key", record.key),
        Element("UploadId", upload.id),
    ]
    return xml_answer(Element("InitiateMultipartUploadResult", children))


async def upload_part(call: Call) -> Answer:
    """UploadPart: one part, in place of an earlier one with its number.

    Raises:
        OssError: The part number is wrong, there is no such upload, or a header describes its
            object otherwise.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    number = part_number(call)
    check_repeated(call, await find_upload(call, SENDING_EC))
    async with call.store.receive() as upload:
        digest = await take_in(call, upload)
        part = await keep_part(call, number, upload.name, digest)
    return Answer(
        200,
        {
            "Content-MD5": part.content_md5,
            "ETag": f'"{part.etag}"',
            "x-oss-hash-crc64ecma": str(digest.crc64),
        },
    )


async def keep_part(call: Call, number: int, file: str, digest: Digest) -> Part:
    """Make a finished body a part.

    Raises:
        OssError: The upload has been ended meanwhile.
    """
    part = Part(number, file, digest, call.store.timestamp())
    bucket, key, upload_id = call.request.bucket, call.request.key, call.query["uploadId"]

    def keep(index: Index) -> tuple[None, list[str]]:
        if index.uploads.find(bucket, key, upload_id) is None:
            raise no_such_upload(upload_id, SENDING_EC)
        return None, index.uploads.put_part(upload_id, part)

    await call.store.change(keep)
    return part


async def abort(call: Call) -> Answer:
    """AbortMultipartUpload: forget an upload and its parts.

    Raises:
        OssError: There is no such upload.
    """
    bucket, key, upload_id = call.request.bucket, call.request.key, call.query["uploadId"]

    def forget(index: Index) -> tuple[None, list[str]]:
        if index.uploads.find(bucket, key, upload_id) is None:
            raise no_such_upload(upload_id, ENDING_EC)
        return None, index.uploads.end(upload_id)

    await call.store.change(forget)
    return Answer(204)


async def find_upload(call: Call, ec: str) -> Multipart:
    """Look up the upload that a request names.

    Raises:
        OssError: There is no such upload.
    """
    bucket, key, upload_id = call.request.bucket, call.request.key, call.query["uploadId"]
    found = await call.store.query(lambda index: index.uploads.find(bucket, key, upload_id))
    if found is None:
        raise no_such_upload(upload_id, ec)
    return found


def check_repeated(call: Call, upload: Multipart) -> None:
    """Refuse to hear something new of an object whose upload has begun.

    ali-oss repeats with each request what the upload began with, and oss2 the ACL at its end.
    Nobody has written down what OSS does with another value.

    Raises:
        OssError: A header says what the first request did not.
    """
    said = described_object(call)
    for name in call.header:
        if name.startswith(META):
            same = said.headers[name] == upload.headers.get(name)
        else:
            same = {ACL: said.acl == upload.acl, TAGS: said.tags == upload.tags}.get(name, True)
        if not same:
            raise invalid_argument(
                name, call.header[name], "The upload began with another value of this header."
            )


def part_number(call: Call) -> int:
    """Read the part number.

    Raises:
        OssError: It is not 1 to 10000.
    """
    text = call.query["partNumber"]
    number = number_of(text, 1, MAX_PART_NUMBER)
    if number is None:
        raise invalid_argument("partNumber", text, BAD_NUMBER)
    return number


def no_such_upload(upload_id: str, ec: str) -> OssError:
    """Say that an upload does not exist: never begun, completed, or aborted."""
    return OssError(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        ec,
        {"UploadId": upload_id},
    )


OPERATIONS = (
    Operation(
        "InitiateMultipartUpload",
        "POST",
        Level.OBJECT,
        "oss:PutObject",
        initiate,
        when=("uploads",),
        parameters=frozenset({"encoding-type"}),
        headers=WRITE_HEADERS,
    ),
    Operation(
        "UploadPart",
        "PUT",
        Level.OBJECT,
        "oss:PutObject",
        upload_part,
        when=("partNumber", "uploadId"),
        headers=WRITE_HEADERS,
    ),
    Operation(
        "AbortMultipartUpload",
        "DELETE",
        Level.OBJECT,
        "oss:AbortMultipartUpload",
        abort,
        when=("uploadId",),
    ),
)
