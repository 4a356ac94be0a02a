"""The deny file: denials that an operator edits while the server runs.

It is read anew whenever it has changed, so that vending stops at once and nothing restarts. One
that cannot be read stops everything: whoever wrote it meant to stop something.
"""

import logging
from pathlib import Path

from sts_server.denials import EVERYTHING, Denials, read_denials
from sts_server.errors import ConfigError

_log = logging.getLogger(__name__)


class DenyFile:
    """Tells what is denied at this moment."""

    def __init__(self, path: Path) -> None:
        """Read it for the first time.

        Raises:
            ConfigError: it cannot be read, or holds a mistake.
        """
        self._path = path
        self._signs = _signs(path)
        self._denials = _read(path)

    def __call__(self) -> Denials:
        """Give the denials, read anew if the file is another than last time."""
        signs = _signs(self._path)
        if signs != self._signs:
            self._signs = signs
            # Whatever keeps it from being read must not leave the old one standing.
            self._denials = EVERYTHING
            self._denials = self._reread()
        return self._denials

    def _reread(self) -> Denials:
        try:
            denials = _read(self._path)
        except ConfigError as error:
            for problem in error.problems:
                _log.critical("%s; nothing is vended until that is mended", problem)
            return EVERYTHING
        _log.warning("deny file %s has changed: %s", self._path, denials)
        return denials


def _read(path: Path) -> Denials:
    try:
        return read_denials(path.read_text("utf-8"))
    except OSError as error:
        problems: tuple[str, ...] = (f"cannot be read: {error.strerror}",)
    except UnicodeDecodeError:
        problems = ("is not UTF-8 text",)
    except ConfigError as error:
        problems = error.problems
    raise ConfigError([f"deny file {path}: {problem}" for problem in problems])


def _signs(path: Path) -> tuple[int, ...] | None:
    """Give what changes with a file; a missing one has none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
