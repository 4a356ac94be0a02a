"""ListObjects and ListObjectsV2: one page of the keys of a bucket."""

import base64
import binascii

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.listing import Page, list_page
from sts_server.sandbox.oss.naming import (
    Names,
    limit_of,
    names_of,
    owner_element,
    xml_bool,
    xml_time,
)
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.xml import Element

DEFAULT_KEYS = 100
COMMON = frozenset({"delimiter", "encoding-type", "max-keys", "prefix"})


async def list_objects(call: Call) -> Answer:
    """ListObjects, the first version (OSS: "ListObjects (GetBucket)").

    Raises:
        OssError: A parameter is wrong.
    """
    names, limit = names_of(call.request), limit_of(call.request, "max-keys", DEFAULT_KEYS)
    marker = call.query.get("marker", "")
    page = await _page(call, marker, limit)
    children = [*_head(call, names, page, limit), names.element("Marker", marker)]
    if page.next_marker is not None:
        children.append(names.element("NextMarker", page.next_marker))
    return xml_answer(_result(children, names, page, call.owner))


async def list_objects_v2(call: Call) -> Answer:
    """ListObjectsV2 (OSS: "ListObjectsV2").

    Raises:
        OssError: A parameter is wrong.
    """
    names, limit = names_of(call.request), limit_of(call.request, "max-keys", DEFAULT_KEYS)
    token = call.query.get("continuation-token", "")
    start_after = call.query.get("start-after", "")
    page = await _page(call, _decode(token) if token else start_after, limit)
    count = len(page.records) + len(page.prefixes)
    children = [*_head(call, names, page, limit), Element("KeyCount", str(count))]
    if start_after:
        children.append(names.element("StartAfter", start_after))
    if token:
        children.append(Element("ContinuationToken", token))
    if page.next_marker is not None:
        children.append(Element("NextContinuationToken", _encode(page.next_marker)))
    shown_owner = call.owner if call.query.get("fetch-owner") == "true" else ""
    return xml_answer(_result(children, names, page, shown_owner))


async def _page(call: Call, marker: str, limit: int) -> Page[Record]:
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    bucket = call.request.bucket
    return await call.store.query(
        lambda index: list_page(
            index, bucket, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
        )
    )


def _head(call: Call, names: Names, page: Page[Record], limit: int) -> list[Element]:
    return [
        Element("Name", call.request.bucket),
        names.element("Prefix", call.query.get("prefix", "")),
        Element("MaxKeys", str(limit)),
        names.element("Delimiter", call.query.get("delimiter", "")),
        Element("IsTruncated", xml_bool(page.next_marker is not None)),
        *names.declared(),
    ]


def _result(head: list[Element], names: Names, page: Page[Record], owner: str) -> Element:
    contents = [_contents(item, names, owner) for item in page.records]
    prefixes = [Element("CommonPrefixes", [names.element("Prefix", p)]) for p in page.prefixes]
    return Element("ListBucketResult", [*head, *contents, *prefixes])


def _contents(record: Record, names: Names, owner: str) -> Element:
    children = [
        names.element("Key", record.key),
        Element("LastModified", xml_time(record.modified)),
        Element("ETag", f'"{record.etag}"'),
        Element("Type", record.kind.value),
        Element("Size", str(record.digest.size)),
        Element("StorageClass", "Standard"),
    ]
    if owner:
        children.append(owner_element(owner))
    return Element("Contents", children)


def _encode(marker: str) -> str:
    return base64.urlsafe_b64encode(marker.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_argument(
            "continuation-token", token, "The continuation token is not one of ours."
        ) from None


OPERATIONS = (
    Operation(
        "ListObjects",
        "GET",
        Level.BUCKET,
        "oss:ListObjects",
        list_objects,
        parameters=COMMON | {"marker"},
    ),
    Operation(
        "ListObjectsV2",
        "GET",
        Level.BUCKET,
        "oss:ListObjects",
        list_objects_v2,
        when=("list-type=2",),
        parameters=COMMON | {"continuation-token", "fetch-owner", "start-after"},
    ),
)
