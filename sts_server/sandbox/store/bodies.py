"""The folder of bodies: one file each, named by chance, known to the index or swept away."""

import os
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from sts_server.sandbox.store.body import disk_errors
from sts_server.sandbox.store.upload import COPY_BYTES


class Bodies:
    """The files of all bodies.

    Args:
        folder: Where they are.
        durable: Whether what is added to one survives a power cut.
        link: Gives a file a second name, or fails where the file system knows no links.
    """

    def __init__(
        self, folder: Path, *, durable: bool, link: Callable[[Path, Path], None] = os.link
    ) -> None:
        self._folder = folder
        self._durable = durable
        self._link = link

    def make(self) -> None:
        """Make the folder, where it is missing.

        Raises:
            OSError: It cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)

    def new(self) -> Path:
        """Name a file for a new body."""
        return self._folder / secrets.token_hex(16)

    def path(self, file: str) -> Path:
        """Say where a body is."""
        return self._folder / file

    def duplicate(self, file: str) -> str:
        """Give a body a second name; called in the index thread, beside the record it is for.

        Bodies that are not appended to never change, so both names may share the bytes.
        """
        copy = self.new()
        try:
            self._link(self.path(file), copy)
        except OSError:
            shutil.copyfile(self.path(file), copy)
        return copy.name

    def extend(self, file: str, position: int, more: Path) -> None:
        """Write bytes behind those of a body; called in the index thread.

        Who reads the body now reads to its old end, and what was left behind that end by a write
        that failed is written over.

        Args:
            file: The body.
            position: Its size.
            more: A file with what is added.

        Raises:
            DiskFullError: The disk takes no more.
        """
        with disk_errors(), more.open("rb") as source, self.path(file).open("r+b") as target:
            target.seek(position)
            target.truncate()
            shutil.copyfileobj(source, target, COPY_BYTES)
            target.flush()
            if self._durable:
                os.fsync(target.fileno())

    def sweep(self, known: Collection[str]) -> None:
        """Remove what no record names: what a crash left of unfinished writes."""
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()
