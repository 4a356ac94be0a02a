"""Names: which objects may be files in a folder, and which must not. Pure; refuses, not repairs.

A name is what a key has behind the mirrored prefix. Whoever may put an object chooses it, so it is
a stranger's: ``../.ssh/authorized_keys`` is a key like any other to OSS.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import takewhile
from unicodedata import category

MANIFEST = ".oss-sts-mirror"
"""Name of the manifest, at the top of a mirrored folder."""
LONGEST = 255
"""Bytes of one segment, on nearly all file systems."""

_DRIVE = re.compile(r"[A-Za-z]:")
_OURS = re.compile("\\.([0-9a-f]{8}|[0-9a-f]{16})(e\u0301)?\\.part|\\.[0-9a-f]{16}\\.journal")


def is_marker(name: str) -> bool:
    """Return whether a name stands for a folder and not for a file in one."""
    return not name or name.endswith("/")


def is_ours(name: str) -> bool:
    """Return whether a file is one of our own: the manifest, or part of a transfer."""
    # Some file systems look away from characters of format, such as U+200C.
    seen = name if name.isascii() else "".join(it for it in name if category(it) != "Cf")
    *above, last = fold(seen).split("/")
    return _OURS.fullmatch(last) is not None or (not above and last == MANIFEST)


def refusal_of(name: str, longest: int = LONGEST) -> str | None:
    """Return why an object must not be a file of this name, or None if it may.

    Args:
        name: with ``/`` between its segments; no marker.
        longest: bytes that the file system allows a segment.
    """
    if "\0" in name:
        return "it holds a NUL"
    if "\\" in name:
        return "it holds a backslash, which separates folders elsewhere"
    if name.startswith("/"):
        return "it is an absolute path"
    try:
        segments = [segment.encode() for segment in name.split("/")]
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if b"" in segments:
        return "it has an empty segment"
    if b"." in segments or b".." in segments:
        return "it has a segment . or .."
    if any(_DRIVE.match(segment) for segment in name.split("/")):
        return "it begins like a drive"
    if max(len(segment) for segment in segments) > longest:
        return f"a segment is longer than {longest} bytes"
    if is_ours(name):
        return "files of this name are our own"
    return None


def both_file_and_folder(names: Iterable[str]) -> set[str]:
    """Return the names below which there are others: as files they would be in their way."""
    wanted = set(names)
    return {above for name in wanted for above in _above(name) if above in wanted}


def fold(name: str) -> str:
    """Return what is the same for names that some file systems take for one.

    Unicode's canonical caseless matching (The Unicode Standard, section 3.13, D145).
    """
    if name.isascii():
        return name.lower()
    decomposed = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFD", decomposed)


def clashing(names: Collection[str], folds: Callable[[str], bool]) -> set[str]:
    """Return the names that would meet in one file, or whose folders would be one.

    Args:
        names: of objects.
        folds: says of a folder, "" for the topmost, whether it takes names that `fold` makes equal
            for one. Asked only where it matters.
    """
    spelled: dict[str, set[str]] = {}
    for name in names:
        for step in (*_above(name), name):
            spelled.setdefault(fold(step), set()).add(step)
    known: dict[str, bool] = {}
    clashes: set[str] = set()
    for spellings in spelled.values():
        parents = {_parent(spelling) for spelling in spellings}
        # Where it is only the folders above that differ, it is they that clash.
        if len(spellings) == len(parents):
            continue
        for parent in parents:
            if parent not in known:
                known[parent] = folds(parent)
        clashes |= {spelling for spelling in spellings if known[_parent(spelling)]}
    if not clashes:
        return clashes
    return {name for name in names if clashes.intersection((*_above(name), name))}


def respelled(
    files: Iterable[str], names: Iterable[str], folds: Callable[[str], bool]
) -> dict[str, str]:
    """Return the files that are spelled otherwise than their object, each with its object's name.

    Args:
        files: that are there.
        names: of objects.
        folds: as for `clashing`.
    """
    exact = set(names)
    folded = {fold(name): name for name in exact}
    found = {}
    for file in files:
        name = folded.get(fold(file))
        if name is None or file in exact:
            continue
        same = takewhile(
            lambda pair: pair[0] == pair[1],
            zip(file.split("/"), name.split("/"), strict=False),
        )
        if folds("/".join(segment for segment, _ in same)):
            found[file] = name
    return found


def _above(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _parent(name: str) -> str:
    return name.rpartition("/")[0]
