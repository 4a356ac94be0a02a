"""Pages of a listing: keys in byte order, cut to size and rolled up at a delimiter. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Record


class Keyed(Protocol):
    """Whatever is listed by its key."""

    @property
    def key(self) -> str:
        """The decoded object name."""


Entry = TypeVar("Entry", bound=Keyed)
Entry_co = TypeVar("Entry_co", bound=Keyed, covariant=True)


class Scan(Protocol[Entry_co]):
    """Walks entries in key order from a key on."""

    def __call__(self, start: bytes, *, after: bool) -> Iterator[Entry_co]:
        """Walk, leaving out `start` itself when `after`."""


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """One page of a listing.

    Attributes:
        records: The entries, in order.
        prefixes: The rolled-up prefixes, in order.
        next_marker: The key or prefix that the next page goes on behind, or None for the last.
        last: The entry that the next page goes on behind, if it is one.
    """

    records: list[Entry] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next_marker: str | None = None
    last: Entry | None = None


def list_page(
    index: Index, bucket: str, *, prefix: str, delimiter: str, marker: str, limit: int
) -> Page[Record]:
    """Gather one page of objects; see `gather`."""
    return gather(
        partial(index.scan, bucket),
        prefix=prefix,
        delimiter=delimiter,
        marker=marker,
        limit=limit,
    )


def gather(
    scan: Scan[Entry],
    *,
    prefix: str,
    delimiter: str,
    marker: str,
    limit: int,
    passed: Callable[[Entry], bool] | None = None,
) -> Page[Entry]:
    """Gather one page.

    Args:
        scan: Where to look.
        prefix: What every key begins with.
        delimiter: Keys that share their text up to its first occurrence behind the prefix become
            one common prefix.
        marker: Only keys behind it; a marker that is itself a common prefix leaves all of it out.
        limit: How many keys and common prefixes at most.
        passed: Says which entries of the marker's own key were on an earlier page; without it
            all were.
    """
    page: Page[Entry] = Page()
    last: Entry | str = ""
    for entry in _entries(scan, prefix, delimiter, marker, passed):
        if len(page.records) + len(page.prefixes) == limit:
            if isinstance(last, str):
                return Page(page.records, page.prefixes, last)
            return Page(page.records, page.prefixes, last.key, last)
        if isinstance(entry, str):
            page.prefixes.append(entry)
        else:
            page.records.append(entry)
        last = entry
    return page


def _entries(
    scan: Scan[Entry],
    prefix: str,
    delimiter: str,
    marker: str,
    passed: Callable[[Entry], bool] | None,
) -> Iterator[Entry | str]:
    start, after = (
        (marker, passed is None)
        if marker.encode() >= prefix.encode() and marker
        else (prefix, False)
    )
    position = start.encode()
    if marker and _rolled_up(marker, prefix, delimiter) == marker:
        position, after = _behind(marker), False
    while True:
        for entry in scan(position, after=after):
            if not entry.key.startswith(prefix):
                return
            if rolled := _rolled_up(entry.key, prefix, delimiter):
                yield rolled
                position, after = _behind(rolled), False
                break
            if passed is None or entry.key != marker or not passed(entry):
                yield entry
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
