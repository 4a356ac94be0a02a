"""A file that appears under its name whole, or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

_UMASK = Lock()


@contextmanager
def landing(target: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for what takes its place when the block ends without an error.

    What is there keeps its permissions, links go on to lead where they lead, and a pipe or a device
    is written to: a file in its place would destroy it.
    """
    path = place_of(target)
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    # Not longer than any name that the folder allows, so not made from the file's own.
    part = path.with_name(f".{secrets.token_hex(4)}.part")
    # Until it is whole nobody else reads it: its permissions are not known to be wider yet.
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        part.chmod(mode_of(path))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def place_of(target: str | os.PathLike[str]) -> Path:
    """Return where a file really goes: links go on to lead where they lead."""
    return Path(os.path.realpath(target))


def mode_of(path: Path) -> int:
    """Return the permissions of what is there, or those of a new file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        # It can only be read by setting it; two threads that did so at once could leave it changed.
        with _UMASK:
            mask = os.umask(0o077)
            os.umask(mask)
        return 0o666 & ~mask
