"""The plan: what a run has to do, from what is listed, what is on disk, and what is known. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Shown:
    """An object as a listing shows it; `etag` verbatim, `size` in bytes, of a link its own."""

    etag: str
    size: int
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A file as its folder shows it; `size` in bytes, `modified` in nanoseconds."""

    size: int
    modified: int
    inode: int


@dataclass(frozen=True, slots=True)
class Record:
    """An object and a file that were the same once.

    Attributes:
        shown: the object, as it was then.
        found: the file, as it was then.
        crc64: of both; None if nobody knows.
    """

    shown: Shown
    found: Found
    crc64: int | None


class Verdict(Enum):
    """What it takes to make an object and a file the same, where they are not."""

    READ = "the file was touched: its bytes say whether it is what the record says"
    ASK = "a HEAD says what the object's CRC-64 is"
    MOVE = "the bytes have to move"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    Attributes:
        verdicts: of the names that are wanted, and not the same yet.
        first: what is to be deleted before, since it is in the way.
        last: what is to be deleted when all has moved.
    """

    verdicts: Mapping[str, Verdict]
    first: tuple[str, ...]
    last: tuple[str, ...]


def judge(shown: Shown | None, found: Found | None, record: Record | None) -> Verdict | None:
    """Return what it takes, None if they are the same; None stands for what is not there."""
    if shown is None or found is None:
        return Verdict.MOVE
    if shown.is_link:
        return Verdict.ASK  # what it leads to may have changed
    if record is not None and record.shown == shown:
        if record.found == found:
            return None
        if record.found.size != found.size:
            return Verdict.MOVE
        if record.crc64 is not None:
            return Verdict.READ
    # An ETag is no sum of the bytes: of an upload in parts, or an encrypted one, it says nothing.
    return Verdict.ASK if shown.size == found.size else Verdict.MOVE


def plan(
    wanted: Collection[str],
    extra: Collection[str],
    shown: Mapping[str, Shown],
    found: Mapping[str, Found],
    records: Mapping[str, Record],
) -> Plan:
    """Return the plan.

    Args:
        wanted: names that have to be the same at the end; of each there is an object or a file.
        extra: names on the other side that are to be deleted.
        shown: objects by name.
        found: files by name.
        records: what is known of both.
    """
    verdicts: dict[str, Verdict] = {}
    for name in wanted:
        verdict = judge(shown.get(name), found.get(name), records.get(name))
        if verdict is not None:
            verdicts[name] = verdict
    above = staying(wanted)
    first = {
        name for name in extra if name in above or any(step in verdicts for step in _above(name))
    }
    return Plan(verdicts, tuple(sorted(first)), tuple(sorted(set(extra) - first)))


def blocked(
    wanted: Iterable[str], files: Collection[str], folders: Collection[str], others: Collection[str]
) -> dict[str, str]:
    """Return the names whose files cannot be where they have to be, each with the reason.

    Args:
        wanted: names of files that are to come.
        files: that stay.
        folders: that stay.
        others: links and the like, which always stay.
    """
    found = {}
    for name in wanted:
        above = _above(name)
        if name in others or any(step in others for step in above):
            found[name] = "a link, or neither file nor folder, is in its way"
        elif any(step in files for step in above):
            found[name] = "a file is where its folder has to be"
        elif name in folders:
            found[name] = "a folder is where the file has to be"
    return found


def staying(names: Iterable[str]) -> set[str]:
    """Return the folders that stay for what is in them."""
    return {step for name in names for step in _above(name)}


def _above(name: str) -> list[str]:
    segments = name.split("/")
    return ["/".join(segments[:count]) for count in range(1, len(segments))]
