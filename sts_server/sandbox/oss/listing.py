"""ListObjectsV2: keys in byte order, cut into pages and rolled up at a delimiter."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.xml import Element

DEFAULT_KEYS = 100
MAX_KEYS = 1000


@dataclass(frozen=True)
class Page:
    """One page of a listing: objects, rolled-up prefixes, and where the next page goes on."""

    records: list[Record] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next_marker: str | None = None


async def list_objects_v2(request: OssRequest, store: Store, owner: str) -> Answer:
    """ListObjectsV2 (OSS: "ListObjectsV2").

    Args:
        request: An authorised request.
        store: Where objects live.
        owner: Account id of the owner, shown with `fetch-owner=true`.

    Raises:
        OssError: A parameter is wrong.
    """
    query = request.query
    limit = _max_keys(query.get("max-keys"))
    encoding = query.get("encoding-type", "")
    if encoding not in ("", "url"):
        raise invalid_argument("encoding-type", encoding, "The only encoding type is url.")
    token = query.get("continuation-token", "")
    start_after = query.get("start-after", "")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    marker = _decode(token) if token else start_after
    page = await store.query(
        lambda index: list_page(
            index, request.bucket, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
        )
    )

    def name(tag: str, text: str) -> Element:
        return Element(tag, quote(text, safe="") if encoding else text)

    children = [
        Element("Name", request.bucket),
        name("Prefix", prefix),
        Element("MaxKeys", str(limit)),
        name("Delimiter", delimiter),
        Element("IsTruncated", "true" if page.next_marker is not None else "false"),
        Element("KeyCount", str(len(page.records) + len(page.prefixes))),
    ]
    if encoding:
        children.append(Element("EncodingType", encoding))
    if start_after:
        children.append(name("StartAfter", start_after))
    if token:
        children.append(Element("ContinuationToken", token))
    if page.next_marker is not None:
        children.append(Element("NextContinuationToken", _encode(page.next_marker)))
    shown_owner = owner if query.get("fetch-owner") == "true" else ""
    children += [_contents(item, name("Key", item.key), shown_owner) for item in page.records]
    children += [Element("CommonPrefixes", [name("Prefix", text)]) for text in page.prefixes]
    return xml_answer(Element("ListBucketResult", children))


def list_page(
    index: Index, bucket: str, *, prefix: str, delimiter: str, marker: str, limit: int
) -> Page:
    """Gather one page.

    Args:
        index: Where to look.
        bucket: The bucket.
        prefix: What every key begins with.
        delimiter: Keys that share their text up to its first occurrence behind the prefix become
            one common prefix.
        marker: Only keys behind it; a marker that is itself a common prefix leaves all of it out.
        limit: How many keys and common prefixes at most.
    """
    page = Page()
    last = ""
    for entry in _entries(index, bucket, prefix, delimiter, marker):
        if len(page.records) + len(page.prefixes) == limit:
            return Page(page.records, page.prefixes, last)
        if isinstance(entry, Record):
            page.records.append(entry)
            last = entry.key
        else:
            page.prefixes.append(entry)
            last = entry
    return page


def _entries(
    index: Index, bucket: str, prefix: str, delimiter: str, marker: str
) -> Iterator[Record | str]:
    start, after = (
        (marker, True) if marker.encode() >= prefix.encode() and marker else (prefix, False)
    )
    position = start.encode()
    if marker and _rolled_up(marker, prefix, delimiter) == marker:
        position, after = _behind(marker), False
    while True:
        for record in index.scan(bucket, position, after=after):
            if not record.key.startswith(prefix):
                return
            if rolled := _rolled_up(record.key, prefix, delimiter):
                yield rolled
                position, after = _behind(rolled), False
                break
            yield record
        else:
            return


def _rolled_up(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter or not key.startswith(prefix):
        return ""
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else ""


def _behind(prefix: str) -> bytes:
    """Give the least byte string behind all that begin with a prefix; UTF-8 never ends in 0xFF."""
    raw = prefix.encode()
    return raw[:-1] + bytes((raw[-1] + 1,))


def _contents(record: Record, key: Element, owner: str) -> Element:
    children = [
        key,
        Element("LastModified", record.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        Element("ETag", f'"{record.etag}"'),
        Element("Type", "Normal"),
        Element("Size", str(record.digest.size)),
        Element("StorageClass", "Standard"),
    ]
    if owner:
        owner_parts = [Element("ID", owner), Element("DisplayName", owner)]
        children.append(Element("Owner", owner_parts))
    return Element("Contents", children)


def _max_keys(text: str | None) -> int:
    if text is None:
        return DEFAULT_KEYS
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= MAX_KEYS:
        raise invalid_argument("max-keys", text, f"max-keys is 1 to {MAX_KEYS}.", "0017-00000225")
    return int(text)


def _encode(marker: str) -> str:
    return base64.urlsafe_b64encode(marker.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_argument(
            "continuation-token", token, "The continuation token is not one of ours."
        ) from None
