"""A place: where a file goes, by its path, or by its name in a folder that is open already."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

_UMASK = Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file goes. No link at its very end is followed.

    Attributes:
        name: a path, or with `folder` a name of one segment.
        folder: an open folder: then nobody who puts a link in its place leads us elsewhere.
    """

    name: str
    folder: int | None = None

    @classmethod
    def at(cls, target: "str | os.PathLike[str] | Place") -> "Place":
        """Return where a file really goes: the links of a path go on to lead where they lead."""
        return target if isinstance(target, Place) else cls(os.path.realpath(target))

    @property
    def path(self) -> Path:
        """The path, or the name."""
        return Path(self.name)

    def beside(self, name: str) -> "Place":
        """Return the place of this name in the same folder."""
        return Place(str(self.path.with_name(name)), self.folder)

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open what is there, no link; raises OSError."""
        more = os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self.name, flags | more, mode, dir_fd=self.folder)

    def found(self) -> os.stat_result | None:
        """Tell what is there, be it a link."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def move(self, target: "Place") -> None:
        """Take another place, at once; a link there is replaced."""
        os.replace(self.name, target.name, src_dir_fd=self.folder, dst_dir_fd=target.folder)

    def remove(self) -> None:
        """Remove what is there, if anything is."""
        try:
            os.unlink(self.name, dir_fd=self.folder)
        except FileNotFoundError:
            return

    def is_special(self) -> bool:
        """Return whether a pipe or a device is there, which one writes to and does not replace."""
        found = self.found() if self.folder is None else None
        return found is not None and not stat.S_ISREG(found.st_mode)

    def mode(self) -> int:
        """Return the permissions of the file that is there, or those of a new one."""
        found = self.found()
        if found is not None and stat.S_ISREG(found.st_mode):
            # Nothing more: bytes from elsewhere must not run as whoever owned the old ones.
            return found.st_mode & 0o777
        # It can only be read by setting it; two threads that did so at once could leave it changed.
        with _UMASK:
            mask = os.umask(0o077)
            os.umask(mask)
        return 0o666 & ~mask
