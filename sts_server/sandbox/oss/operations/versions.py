"""Versioning of a bucket, and the list of all versions that it keeps."""

from dataclasses import replace
from functools import partial

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import only, parse, read_body, text_of
from sts_server.sandbox.oss.errors import invalid_argument, malformed_xml
from sts_server.sandbox.oss.listing import gather
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
STATES = ("Enabled", "Suspended")


async def put_bucket_versioning(call: Call) -> Answer:
    """PutBucketVersioning: enable or suspend; there is no way back to never.

    Raises:
        OssError: The document is wrong.
    """
    tree = parse(await read_body(call), "VersioningConfiguration")
    only(tree, "Status")
    state = text_of(tree, "Status").strip()
    if state not in STATES:
        raise malformed_xml("Status is Enabled or Suspended")
    await call.store.set_bucket(call.request.bucket, lambda old: replace(old, versioning=state))
    return Answer(200)


async def get_bucket_versioning(call: Call) -> Answer:
    """GetBucketVersioning: without a status while it was never set."""
    state = call.bucket.versioning
    status = [Element("Status", state)] if state else []
    return xml_answer(Element("VersioningConfiguration", status))


async def list_versions(call: Call) -> Answer:
    """ListObjectVersions (OSS: "ListObjectVersions (GetBucketVersions)").

    Raises:
        OssError: A parameter is wrong.
    """
    names, limit = names_of(call.request), limit_of(call.request, "max-keys", DEFAULT_KEYS)
    query = call.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    marker, version = query.get("key-marker", ""), query.get("version-id-marker", "")
    if version and not marker:
        raise invalid_argument("version-id-marker", version, "It needs a key-marker.")
    page = await call.store.query(
        lambda index: gather(
            partial(index.scan_versions, call.request.bucket),
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            limit=limit,
            passed=_Passed(version) if version else None,
        )
    )
    children = [
        *names.declared(),
        Element("Name", call.request.bucket),
        names.element("Prefix", prefix),
        names.element("KeyMarker", marker),
        Element("VersionIdMarker", version),
        Element("MaxKeys", str(limit)),
        names.element("Delimiter", delimiter),
        Element("IsTruncated", xml_bool(page.next_marker is not None)),
        names.element("NextKeyMarker", page.next_marker or ""),
        Element("NextVersionIdMarker", page.last.version if page.last else ""),
        *(_described(record, names, call.owner) for record in page.records),
        *(Element("CommonPrefixes", [names.element("Prefix", p)]) for p in page.prefixes),
    ]
    return xml_answer(Element("ListVersionsResult", children))


class _Passed:
    """Whether versions of one key, newest first, come before a marker or are it.

    Args:
        version: The version id that the last page ended with.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._found = False

    def __call__(self, record: Record) -> bool:
        before = not self._found
        self._found = self._found or record.version == self._version
        return before


def _described(record: Record, names: Names, owner: str) -> Element:
    children = [
        names.element("Key", record.key),
        Element("VersionId", record.version),
        Element("IsLatest", xml_bool(record.latest)),
        Element("LastModified", xml_time(record.modified)),
    ]
    if not record.marker:
        children += [
            Element("ETag", f'"{record.etag}"'),
            Element("Type", record.kind.value),
            Element("Size", str(record.digest.size)),
            Element("StorageClass", "Standard"),
        ]
    children.append(owner_element(owner))
    return Element("DeleteMarker" if record.marker else "Version", children)


OPERATIONS = (
    Operation(
        "PutBucketVersioning",
        "PUT",
        Level.BUCKET,
        "oss:PutBucketVersioning",
        put_bucket_versioning,
        when=("versioning",),
    ),
    Operation(
        "GetBucketVersioning",
        "GET",
        Level.BUCKET,
        "oss:GetBucketVersioning",
        get_bucket_versioning,
        when=("versioning",),
    ),
    Operation(
        "ListObjectVersions",
        "GET",
        Level.BUCKET,
        "oss:ListObjectVersions",
        list_versions,
        when=("versions",),
        parameters=frozenset(
            {
                "delimiter",
                "encoding-type",
                "key-marker",
                "max-keys",
                "prefix",
                "version-id-marker",
            }
        ),
    ),
)
