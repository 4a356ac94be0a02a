"""CompleteMultipartUpload: the parts become one object, or nothing changes."""

import hashlib
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from urllib.parse import quote

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import only, parse, read_body, text_of
from sts_server.sandbox.oss.errors import (
    OssError,
    file_already_exists,
    invalid_argument,
    malformed_xml,
)
from sts_server.sandbox.oss.headers import (
    WRITE_HEADERS,
    checksum_headers,
    forbids_overwrite,
    version_headers,
)
from sts_server.sandbox.oss.naming import names_of, number_of
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.multipart import (
    BAD_NUMBER,
    ENDING_EC,
    MAX_PART_NUMBER,
    check_repeated,
    find_upload,
    no_such_upload,
)
from sts_server.sandbox.store.crc64 import combine
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.multipart import Multipart, Part
from sts_server.sandbox.store.overwrite import refuse_overwrite
from sts_server.sandbox.store.record import Digest, Kind, Record
from sts_server.sandbox.xml import Element

MIN_PART_BYTES = 100 * 1024
COMPLETE_ALL = "x-oss-complete-all"


@dataclass(frozen=True)
class Wanted:
    """A part that the caller names: its number and its entity tag without quotes."""

    number: int
    etag: str


async def complete(call: Call) -> Answer:
    """CompleteMultipartUpload.

    The parts are put in a row on disk first; then, in one transaction, it is checked that they
    are still the parts of the upload, and the object takes their place.

    Raises:
        OssError: The list of parts is wrong, a part is missing, differs or is too small, there is
            no such upload, a header describes its object otherwise, or the key is taken and must
            not be overwritten.
        DiskFullError: The disk takes no more.
    """
    names, forbid = names_of(call.request), forbids_overwrite(call.header)
    wanted = _wanted(await read_body(call), call.header.get(COMPLETE_ALL))
    upload = await find_upload(call, ENDING_EC)
    check_repeated(call, upload)
    stored = await call.store.query(lambda index: index.uploads.parts(upload.id))
    parts = stored if wanted is None else choose(wanted, stored)
    _check_sizes(parts)
    record = await _assemble(call, upload, parts, forbid=forbid)
    path = quote(f"{upload.bucket}/{upload.key}")
    children = [
        *names.declared(),
        Element("Location", f"http://{call.header.get('host', '')}/{path}"),
        Element("Bucket", upload.bucket),
        names.element("Key", upload.key),
        Element("ETag", f'"{record.etag}"'),
    ]
    answer = xml_answer(Element("CompleteMultipartUploadResult", children))
    more = {**checksum_headers(record), **version_headers(call.bucket, record)}
    return Answer(200, {**answer.headers, **more}, answer.body)


async def _assemble(call: Call, upload: Multipart, parts: list[Part], *, forbid: bool) -> Record:
    async with call.store.receive() as body:
        try:
            await body.gather(call.store.bodies.path(part.file) for part in parts)
        except FileNotFoundError:
            raise no_such_upload(upload.id, ENDING_EC) from None
        await body.finish()
        record = Record(
            upload.key,
            body.name,
            await call.store.on_disk(partial(joined, parts)),
            call.store.timestamp(),
            upload.headers,
            kind=Kind.MULTIPART,
            tag=tag_of(parts),
            acl=upload.acl,
            tags=upload.tags,
        )

        def write(index: Index) -> tuple[Record, list[str]]:
            if index.uploads.find(upload.bucket, upload.key, upload.id) is None:
                raise no_such_upload(upload.id, ENDING_EC)
            if not set(parts) <= set(index.uploads.parts(upload.id)):
                raise invalid_part(upload.id)
            refuse_overwrite(index, upload.bucket, upload.key, forbid=forbid)
            written, gone = index.put(upload.bucket, record)
            return written, gone + index.uploads.end(upload.id)

        try:
            return await call.store.change(write)
        except AlreadyExistsError:
            raise file_already_exists(upload.key) from None


def choose(wanted: list[Wanted], stored: list[Part]) -> list[Part]:
    """Find the parts that the caller names.

    Args:
        wanted: What is named, in ascending order.
        stored: What has arrived.

    Raises:
        OssError: The order is wrong, or a part is missing or another one.
    """
    numbers = [part.number for part in wanted]
    if any(second <= first for first, second in pairwise(numbers)):
        raise OssError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    known = {part.number: part for part in stored}
    chosen = []
    for want in wanted:
        part = known.get(want.number)
        if part is None or part.etag != want.etag:
            raise invalid_part(str(want.number))
        chosen.append(part)
    return chosen


def joined(parts: list[Part]) -> Digest:
    """Give size and checksum of all parts in a row."""
    size = crc64 = 0
    for part in parts:
        crc64 = combine(crc64, part.digest.crc64, part.digest.size)
        size += part.digest.size
    return Digest(size, b"", crc64)


def tag_of(parts: list[Part]) -> str:
    """Give the entity tag of an object made of parts; how OSS makes it is undocumented."""
    digests = b"".join(part.digest.md5 for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest().upper()}-{len(parts)}"


def invalid_part(number: str) -> OssError:
    """Refuse to complete with a part that is missing or another one."""
    return OssError(
        400,
        "InvalidPart",
        "One or more of the specified parts could not be found or the specified entity tag "
        "might not have matched the part's entity tag.",
        details={"PartNumber": number},
    )


def _wanted(body: bytes, every: str | None) -> list[Wanted] | None:
    """Read the list of parts, or None for all there are.

    Raises:
        OssError: It is wrong.
    """
    if every is not None:
        if every != "yes" or body:
            raise invalid_argument(COMPLETE_ALL, every, "The value is yes, and there is no body.")
        return None
    tree = parse(body, "CompleteMultipartUpload")
    only(tree, many=("Part",))
    wanted = []
    for part in tree:
        only(part, "PartNumber", "ETag")
        text = text_of(part, "PartNumber").strip()
        if not text:
            raise malformed_xml("a part has no number")
        number = number_of(text, 1, MAX_PART_NUMBER)
        if number is None:
            raise invalid_argument("PartNumber", text, BAD_NUMBER)
        wanted.append(Wanted(number, text_of(part, "ETag").strip().strip('"')))
    if not wanted:
        raise malformed_xml("it names no part")
    return wanted


def _check_sizes(parts: list[Part]) -> None:
    if not parts:
        raise invalid_part("")
    for part in parts[:-1]:
        if part.digest.size < MIN_PART_BYTES:
            raise OssError(
                400,
                "EntityTooSmall",
                "Your proposed upload smaller than the minimum allowed size.",
                details={
                    "PartNumber": str(part.number),
                    "ProposedSize": str(part.digest.size),
                    "MinSizeAllowed": str(MIN_PART_BYTES),
                    "ETag": part.etag,
                },
            )


OPERATIONS = (
    Operation(
        "CompleteMultipartUpload",
        "POST",
        Level.OBJECT,
        "oss:PutObject",
        complete,
        when=("uploadId",),
        parameters=frozenset({"encoding-type"}),
        headers=WRITE_HEADERS | {COMPLETE_ALL},
    ),
)
