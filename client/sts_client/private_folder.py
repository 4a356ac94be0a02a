"""A private folder: files of one user alone. What others can look into is refused, not mended."""

import os
import stat
from pathlib import Path

from sts_client.errors import UsageError


def prepare(folder: Path, what: str) -> None:
    """Make the folder, or see that it is ours alone.

    Args:
        folder: where it is.
        what: it is for, for the message.

    Raises:
        UsageError: it cannot be made, belongs to another user, or is open to others.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise UsageError(f"the {what} {folder} cannot be used: {error.strerror}") from None
    _expect_ours(folder, found, what)


def open_private(path: Path, flags: int, what: str) -> int:
    """Open a file of the folder and see that it is ours alone; a link is none.

    Raises:
        FileNotFoundError: there is none.
        UsageError: it cannot be opened, belongs to another user, or is open to others.
    """
    try:
        # NONBLOCK: a pipe in the file's place must not hold us up.
        wanted = flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(path, wanted, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"the {what}'s {path} cannot be used: {error.strerror}") from None
    try:
        _expect_ours(path, os.fstat(handle), what)
    except UsageError:
        os.close(handle)
        raise
    return handle


def _expect_ours(path: Path, found: os.stat_result, what: str) -> None:
    if found.st_uid != os.geteuid():
        raise UsageError(f"the {what}'s {path} belongs to another user: choose another folder")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise UsageError(
            f"the {what}'s {path} is open to others: chmod go-rwx it, or choose another folder"
        )
