"""A page of a listing: the XML of ListObjectsV2 in, typed entries out."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from sts_client.errors import BadAnswer
from sts_client.objects.documents import tree


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it.

    Attributes:
        key: its name.
        size: in bytes.
        etag: verbatim, quotes included, good for `if_none_match`.
        last_modified: aware.
        storage_class: such as ``Standard``.
        is_link: whether it is a symbolic link: then what `get` brings is another object.
    """

    key: str
    size: int
    etag: str
    last_modified: datetime
    storage_class: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """Stands for all keys that begin with `prefix`, which ends in the delimiter asked for."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing; `next_token` asks for the next page, None means that this is the last."""

    entries: tuple[Entry | Folder, ...]
    next_token: str | None


class Walk:
    """The way through a listing, page after page, and never in a circle.

    Attributes:
        token: asks for the next page; None for the first.
        ended: whether there is no next page.
    """

    def __init__(self) -> None:
        self.token: str | None = None
        self.ended = False
        self._seen: set[str] = set()

    def turn(self, page: Page) -> None:
        """Go on from a page to the next one; raises `BadAnswer` if it has been seen."""
        self.token = page.next_token
        self.ended = self.token is None
        if self.token in self._seen:
            raise BadAnswer("the listing goes in a circle: check the endpoint")
        if self.token is not None:
            self._seen.add(self.token)


def page_of(body: bytes) -> Page:
    """Read a page, its entries in the order of their names.

    Raises:
        BadAnswer: the body is not the XML that it should be.
    """
    try:
        root = tree(body, "ListBucketResult")
        encoded = root.findtext("EncodingType") == "url"
        entries: list[Entry | Folder] = [
            Entry(
                key=_name(_text(item, "Key"), encoded=encoded),
                size=_size(_text(item, "Size")),
                etag=_text(item, "ETag"),
                last_modified=_time(_text(item, "LastModified")),
                storage_class=item.findtext("StorageClass") or "",
                is_link=item.findtext("Type") == "Symlink",
            )
            for item in root.iterfind("Contents")
        ]
        entries += [
            Folder(_name(_text(item, "Prefix"), encoded=encoded))
            for item in root.iterfind("CommonPrefixes")
        ]
        token = _next_token(root)
    except (ET.ParseError, LookupError, ValueError):
        raise BadAnswer("the listing is not the XML that OSS sends: check the endpoint") from None
    entries.sort(key=_order)
    return Page(tuple(entries), token)


def _next_token(root: ET.Element) -> str | None:
    # Neither is guessed: half a listing that passes for a whole one makes callers delete files.
    more = {"true": True, "false": False}[_text(root, "IsTruncated")]
    if not more:
        return None
    token = _text(root, "NextContinuationToken")
    if not token:
        raise ValueError(token)
    return token


def _size(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.utcoffset() is None:
        raise ValueError(text)
    return found


def _order(entry: Entry | Folder) -> bytes:
    return (entry.key if isinstance(entry, Entry) else entry.prefix).encode()


def _name(text: str, *, encoded: bool) -> str:
    return unquote(text, errors="strict") if encoded else text


def _text(element: ET.Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(name)
    return found
