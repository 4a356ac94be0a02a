"""The lock that keeps a data folder to one process."""

import fcntl
from pathlib import Path
from typing import BinaryIO

from sts_server.sandbox.errors import SettingError


def locked(path: Path) -> BinaryIO:
    """Take the lock, for as long as the file stays open.

    Args:
        path: The lock file; made when missing.

    Raises:
        SettingError: Another process holds it.
    """
    lock = path.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SettingError(f"another sandbox uses the data folder {path.parent}") from None
    return lock
