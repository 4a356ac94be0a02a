"""ListParts and ListMultipartUploads: what has arrived of an upload, and which are under way."""

from functools import partial

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.listing import gather
from sts_server.sandbox.oss.naming import (
    Names,
    limit_of,
    names_of,
    number_of,
    xml_bool,
    xml_time,
)
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.multipart import LISTING_EC, MAX_PART_NUMBER, find_upload
from sts_server.sandbox.store.multipart import Multipart, Part
from sts_server.sandbox.xml import Element, elements


async def list_parts(call: Call) -> Answer:
    """ListParts: one page of the parts of an upload.

    Raises:
        OssError: A parameter is wrong, or there is no such upload.
    """
    names, limit = names_of(call.request), limit_of(call.request, "max-parts")
    marker = call.query.get("part-number-marker") or "0"
    after = number_of(marker, 0, MAX_PART_NUMBER)
    if after is None:
        raise invalid_argument("part-number-marker", marker, "The marker is a part number.")
    upload = await find_upload(call, LISTING_EC)
    parts = await call.store.query(lambda index: index.uploads.parts(upload.id, after))
    page = parts[:limit]
    last = page[-1].number if page else after
    children = [
        *names.declared(),
        Element("Bucket", upload.bucket),
        names.element("Key", upload.key),
        Element("UploadId", upload.id),
        Element("StorageClass", "Standard"),
        Element("PartNumberMarker", str(after)),
        Element("NextPartNumberMarker", str(last)),
        Element("MaxParts", str(limit)),
        Element("IsTruncated", xml_bool(len(parts) > limit)),
        *(Element("Part", elements(_part(part))) for part in page),
    ]
    return xml_answer(Element("ListPartsResult", children))


async def list_uploads(call: Call) -> Answer:
    """ListMultipartUploads: one page of the uploads of a bucket that have not ended.

    Raises:
        OssError: A parameter is wrong.
    """
    names, limit = names_of(call.request), limit_of(call.request, "max-uploads")
    query = call.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    page = await call.store.query(
        lambda index: gather(
            partial(index.uploads.scan, call.request.bucket),
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            limit=limit,
            passed=(lambda upload: upload.id <= id_marker) if id_marker else None,
        )
    )
    children = [
        *names.declared(),
        Element("Bucket", call.request.bucket),
        names.element("Prefix", prefix),
        names.element("Delimiter", delimiter),
        names.element("KeyMarker", marker),
        Element("UploadIdMarker", id_marker),
        names.element("NextKeyMarker", page.next_marker or ""),
        Element("NextUploadIdMarker", page.last.id if page.last else ""),
        Element("MaxUploads", str(limit)),
        Element("IsTruncated", xml_bool(page.next_marker is not None)),
        *(_upload(upload, names) for upload in page.records),
        *(Element("CommonPrefixes", [names.element("Prefix", p)]) for p in page.prefixes),
    ]
    return xml_answer(Element("ListMultipartUploadsResult", children))


def _part(part: Part) -> dict[str, str]:
    return {
        "PartNumber": str(part.number),
        "LastModified": xml_time(part.modified),
        "ETag": f'"{part.etag}"',
        "HashCrc64ecma": str(part.digest.crc64),
        "Size": str(part.digest.size),
    }


def _upload(upload: Multipart, names: Names) -> Element:
    children = [
        names.element("Key", upload.key),
        Element("UploadId", upload.id),
        Element("StorageClass", "Standard"),
        Element("Initiated", xml_time(upload.initiated)),
    ]
    return Element("Upload", children)


OPERATIONS = (
    Operation(
        "ListParts",
        "GET",
        Level.OBJECT,
        "oss:ListParts",
        list_parts,
        when=("uploadId",),
        parameters=frozenset({"encoding-type", "max-parts", "part-number-marker"}),
    ),
    Operation(
        "ListMultipartUploads",
        "GET",
        Level.BUCKET,
        "oss:ListMultipartUploads",
        list_uploads,
        when=("uploads",),
        parameters=frozenset(
            {
                "delimiter",
                "encoding-type",
                "key-marker",
                "max-uploads",
                "prefix",
                "upload-id-marker",
            }
        ),
    ),
)
