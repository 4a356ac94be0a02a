"""A file of secrets, one a line: read at the start, and again whenever it has changed."""

import logging
import os
import re
import stat
from pathlib import Path
from typing import Final

from sts_server.errors import ConfigError

_LARGEST: Final = 16 * 1024  # bytes
_OPEN_TO_OTHERS: Final = stat.S_IWGRP | stat.S_IRWXO
_VISIBLE = re.compile(r"[!-~]+")  # what a header can carry

_Stamp = tuple[int, ...]

_log = logging.getLogger(__name__)


class SecretFile:
    """Knows the secrets of a file.

    Everybody who can read it can speak for the proxy, or to the webhook. So it must not be open to
    all users of the machine; its group may read it, as in a volume of secrets.
    """

    def __init__(self, path: str, place: str, *, shortest: int = 1) -> None:
        """Read the file.

        Args:
            path: its name.
            place: the setting that names it, for whoever has to correct it.
            shortest: how many characters each secret has at least.

        Raises:
            ConfigError: it cannot be read, is open to others, or holds no such secret.
        """
        self._path = Path(path)
        self._place = f"{place}: {path}"
        self._shortest = shortest
        self._stamp: _Stamp | None = self._look()
        try:
            self._secrets = self._read()
        except ValueError as problem:
            raise ConfigError([str(problem)]) from None

    def secrets(self) -> tuple[str, ...]:
        """Give the secrets as they stand there now.

        None while the file cannot be used: whoever took it away, or opened it to all, has revoked
        what stood there. The log says so, once.
        """
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._secrets = self._read()
            except ValueError as problem:
                self._secrets = ()
                _log.error("%s; no secret of it counts until that is mended", problem)
        return self._secrets

    def _look(self) -> _Stamp | None:
        try:
            about = self._path.stat()
        except OSError:
            return None
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns

    def _read(self) -> tuple[str, ...]:
        try:
            text = _text(self._path)
        except OSError as error:
            raise ValueError(f"{self._place}: cannot be read: {error.strerror}") from None
        except ValueError as problem:
            raise ValueError(f"{self._place}: {problem}") from None
        found = tuple(line for line in text.split("\n") if line)
        if not found or any(
            len(line) < self._shortest or not _VISIBLE.fullmatch(line) for line in found
        ):
            raise ValueError(
                f"{self._place}: must hold a secret a line, each of at least {self._shortest} "
                "visible ASCII characters without a space"
            )
        return found


def _text(path: Path) -> str:
    """Read the text; a name that turns out to be a pipe must not hold us up."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - no Path has this mode
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("is no regular file")
        if mode & _OPEN_TO_OTHERS:
            raise ValueError("is open to other users of this machine: chmod 640 it, or 600")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"is longer than {_LARGEST} bytes")
    # A line that is no ASCII is refused as such, later.
    return data.decode("latin-1").replace("\r\n", "\n")
