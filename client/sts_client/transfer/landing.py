"""A file that appears under its name whole, or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from sts_client.transfer.place import Place


@contextmanager
def landing(target: str | os.PathLike[str] | Place) -> Iterator[BinaryIO]:
    """Open a file for what takes its place when the block ends without an error.

    What is there keeps its permissions, links go on to lead where they lead, and a pipe or a device
    is written to: a file in its place would destroy it.
    """
    place = Place.at(target)
    if place.is_special():
        with place.path.open("wb") as file:
            yield file
        return
    # Not longer than any name that the folder allows, so not made from the file's own.
    part = place.beside(f".{secrets.token_hex(4)}.part")
    # Until it is whole nobody else reads it: its permissions are not known to be wider yet.
    handle = part.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            os.fchmod(file.fileno(), place.mode())
        part.move(place)
    finally:
        part.remove()
