"""A tree: a folder and all below it, where no link leads out.

Each folder is opened by its name within the open folder above it, and never through a link
(``openat`` with O_NOFOLLOW). So what is written or deleted is in a folder that stood below the
topmost one when it was opened, whoever puts links in the way meanwhile. Whoever can move such a
folder elsewhere while it is open takes with it what is just being written there: POSIX knows no
lock against that.
"""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sts_client.mirror.names import LONGEST
from sts_client.mirror.plan import Found
from sts_client.transfer import Place, summed

_COMPOSED = "\N{LATIN SMALL LETTER E WITH ACUTE}"
_Segments = tuple[str, ...]
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in a tree; names with ``/`` between their segments.

    Attributes:
        files: that have bytes of their own.
        folders: all below the topmost.
        others: links, pipes and devices, each with what it is.
    """

    files: dict[str, Found]
    folders: list[str]
    others: dict[str, str]


class Tree:
    """An open folder.

    Attributes:
        path: where it was opened.
    """

    def __init__(self, handle: int, path: Path) -> None:
        self._handle = handle
        self.path = path

    def lock(self) -> None:
        """Wait until no other run is at this tree, where the file system knows such locks."""
        with suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_EX)

    @property
    def longest(self) -> int:
        """Bytes that a name may have here."""
        return os.fstatvfs(self._handle).f_namemax or LONGEST

    def top(self, name: str) -> Place:
        """Return the place of a file in the topmost folder."""
        return Place(name, self._handle)

    @contextmanager
    def at(self, name: str, *, make: bool = False) -> Iterator[Place]:
        """Give the place of a file.

        Args:
            name: that passed `names.refusal_of`.
            make: the folders above it, where they are missing.

        Raises:
            OSError: a folder above it is none, or a link.
        """
        *above, last = name.split("/")
        folder = self._entered(above, make=make)
        try:
            yield Place(last, folder)
        finally:
            os.close(folder)

    def see(self) -> Seen:
        """Look at all there is, but for what goes meanwhile.

        Raises:
            OSError: a folder cannot be read.
        """
        seen = Seen({}, [], {})
        left: list[_Segments] = [()]
        while left:
            above = left.pop()
            try:
                folder = self._entered(above)
            except FileNotFoundError:
                continue
            except NotADirectoryError:
                seen.others["/".join(above)] = "a link, or neither file nor folder"
                continue
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        with suppress(FileNotFoundError):
                            left += _noted(seen, (*above, entry.name), entry)
            finally:
                os.close(folder)
        return seen

    def holds(self, name: str, size: int, crc: int | None) -> Found | None:
        """Return what a file is if it has this length and CRC-64; reads it if it has the length.

        Raises:
            OSError: it is no file, or cannot be read.
        """
        try:
            with self.reading(name) as (handle, found):
                if found.size != size or summed(handle) != crc:
                    return None
                return found if found_of(os.fstat(handle)) == found else None
        except FileNotFoundError:
            return None

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[int, Found]]:
        """Open a file to read it; raises OSError if it is none."""
        with self.at(name) as place:
            # NONBLOCK: a pipe that takes its place just now must not hold us up.
            handle = place.open(os.O_RDONLY | os.O_NONBLOCK)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it is no file any more", name)
            yield handle, found_of(found)
        finally:
            os.close(handle)

    def remove(self, name: str, found: Found) -> None:
        """Remove a file; raises OSError if it is not the one that was found."""
        with self.at(name) as place:
            there = place.found()
            if there is None:
                return
            if not stat.S_ISREG(there.st_mode) or found_of(there) != found:
                raise OSError(errno.EBUSY, "it was changed meanwhile, and stays", name)
            place.remove()

    def remove_empty(self, folders: list[str]) -> None:
        """Remove those of these folders in which there is nothing, the lowest first."""
        for name in sorted(folders, key=lambda it: it.count("/"), reverse=True):
            with suppress(OSError), self.at(name) as place:
                os.rmdir(place.name, dir_fd=place.folder)

    def folds(self, name: str) -> bool:
        """Return whether a folder takes names for one that differ in case, or in composition.

        A file that is removed at once shows it. Where none can be made the answer is yes.
        """
        above = tuple(name.split("/")) if name else ()
        while True:
            try:
                folder = self._entered(above)
                break
            except FileNotFoundError:
                above = above[:-1]  # what is not there yet will be as what is above it
            except OSError:
                return True
        try:
            return _folds(folder)
        finally:
            os.close(folder)

    def _entered(self, segments: "list[str] | tuple[str, ...]", *, make: bool = False) -> int:
        at = os.dup(self._handle)
        try:
            for segment in segments:
                below = _step(at, segment, make=make)
                os.close(at)
                at = below
        except BaseException:
            os.close(at)
            raise
        return at


def _noted(
    seen: Seen, segments: tuple[str, ...], entry: "os.DirEntry[str]"
) -> list[tuple[str, ...]]:
    """Note what something is; return the folders that are to be looked into."""
    name = "/".join(segments)
    found = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        seen.folders.append(name)
        return [segments]
    if stat.S_ISREG(found.st_mode):
        seen.files[name] = found_of(found)
    else:
        link = stat.S_ISLNK(found.st_mode)
        seen.others[name] = "a link" if link else "neither file nor folder"
    return []


def found_of(found: os.stat_result) -> Found:
    """Return what of a file's state says whether it was touched."""
    return Found(found.st_size, found.st_mtime_ns, found.st_ino)


@contextmanager
def opened(path: Path, *, make: bool) -> Iterator[Tree]:
    """Open a tree. The path is the caller's own word: its links are followed.

    Raises:
        OSError: it is no folder, or cannot be made.
    """
    if make:
        path.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, _FOLDER)
    try:
        yield Tree(handle, path)
    finally:
        # By name: a forked child may hold a copy, which closing ours would leave locked.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _step(folder: int, segment: str, *, make: bool) -> int:
    for last in (not make, True):
        try:
            return os.open(segment, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            if last:
                raise
            with suppress(FileExistsError):
                os.mkdir(segment, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            text = "a link or a file is where a folder has to be"
            raise NotADirectoryError(errno.ENOTDIR, text, segment) from None
    raise AssertionError("unreachable")


def _folds(folder: int) -> bool:
    name = f".{secrets.token_hex(7)}ab{_COMPOSED}.part"
    place = Place(name, folder)
    try:
        os.close(place.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        return True
    others = (
        name.replace("ab", "AB"),
        name.replace(_COMPOSED, _COMPOSED.upper()),
        name.replace(_COMPOSED, "e\u0301"),
    )
    try:
        return any(Place(other, folder).found() is not None for other in others)
    finally:
        place.remove()
