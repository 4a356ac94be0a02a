"""DeleteMultipleObjects: up to 1000 keys in one step, all or, when one is denied, none."""

from dataclasses import dataclass

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import only, parse, read_body, text_of
from sts_server.sandbox.oss.errors import OssError, malformed_xml
from sts_server.sandbox.oss.naming import Names, names_of
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.request import object_name
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.xml import Element

MAX_KEYS = 1000


@dataclass(frozen=True)
class Doomed:
    """A key, or one version of it, that shall go."""

    key: str
    version: str


async def delete_objects(call: Call) -> Answer:
    """DeleteMultipleObjects (OSS: "DeleteMultipleObjects").

    Raises:
        OssError: The document is wrong or unproven, or one of the keys may not be deleted.
    """
    names = names_of(call.request)
    if "content-md5" not in call.header:
        raise OssError(
            400,
            "MissingArgument",
            "Missing Some Required Arguments.",
            details={"ArgumentName": "Content-MD5"},
        )
    doomed, quiet = _read(await read_body(call))
    bucket, now = call.request.bucket, call.store.timestamp()
    for one in doomed:
        action = "oss:DeleteObjectVersion" if one.version else "oss:DeleteObject"
        await call.demand(action, bucket, one.key, version=one.version)

    def remove(index: Index) -> tuple[list[Record | None], list[str]]:
        removed: list[Record | None] = []
        files: list[str] = []
        for one in doomed:
            record, gone = index.delete(bucket, one.key, one.version, now)
            removed.append(record)
            files += gone
        return removed, files

    removed = await call.store.change(remove)
    if quiet:
        return Answer(200)
    deleted = [_deleted(one, record, names) for one, record in zip(doomed, removed, strict=True)]
    return xml_answer(Element("DeleteResult", [*names.declared(), *deleted]))


def _read(body: bytes) -> tuple[list[Doomed], bool]:
    tree = parse(body, "Delete")
    only(tree, "Quiet", many=("Object",))
    quiet = text_of(tree, "Quiet").strip().lower() or "false"
    if quiet not in ("true", "false"):
        raise malformed_xml("Quiet is neither true nor false")
    doomed = []
    for item in tree.findall("Object"):
        only(item, "Key", "VersionId")
        key = text_of(item, "Key")
        object_name(key.encode())
        if not key:
            raise malformed_xml("a key is empty")
        doomed.append(Doomed(key, text_of(item, "VersionId").strip()))
    if not 0 < len(doomed) <= MAX_KEYS:
        raise malformed_xml(f"it names 1 to {MAX_KEYS} objects")
    return doomed, quiet == "true"


def _deleted(one: Doomed, record: Record | None, names: Names) -> Element:
    children = [names.element("Key", one.key)]
    if one.version:
        children.append(Element("VersionId", one.version))
    if record is not None and record.marker:
        children += [
            Element("DeleteMarker", "true"),
            Element("DeleteMarkerVersionId", record.version),
        ]
    return Element("Deleted", children)


OPERATIONS = (
    Operation(
        "DeleteMultipleObjects",
        "POST",
        Level.BUCKET,
        "",  # each key is asked for by itself
        delete_objects,
        when=("delete",),
        parameters=frozenset({"encoding-type"}),
    ),
)
