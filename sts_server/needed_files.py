"""The needed files: tries each that a configuration names, and says all that is wrong at once."""

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sts_server.callers.opening import file_trials
from sts_server.deny_file import DenyFile
from sts_server.errors import ConfigError
from sts_server.settings import Tables
from sts_server.settings.server import ServerTable


def try_files(tables: Tables) -> None:
    """Read what is to be read, and look whether the audit log could be written; make nothing.

    Raises:
        ConfigError: with a line for each file that cannot be used: its setting, its path, and why.
    """
    problems: list[str] = []
    for trial in (*_trials(tables.server), *file_trials(tables.callers)):
        try:
            trial()
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)


def _trials(server: ServerTable) -> Iterator[Callable[[], object]]:
    if server.audit != "stderr":
        yield partial(_try_audit, Path(server.audit))
    if server.deny_file is not None:
        yield partial(_try_deny_file, Path(server.deny_file))


def _try_audit(path: Path) -> None:
    """Look without opening: a file made here might be another user's than the server's."""
    place = path if path.exists() else path.parent
    why = 0
    if path.is_dir():
        why = errno.EISDIR
    elif not place.exists():
        why = errno.ENOENT
    elif not os.access(place, os.W_OK):
        why = errno.EACCES
    if why:
        raise ConfigError([f"server.audit: {path}: cannot be opened: {os.strerror(why)}"])


def _try_deny_file(path: Path) -> None:
    try:
        DenyFile(path)
    except ConfigError as error:
        raise ConfigError([f"server.deny_file: {problem}" for problem in error.problems]) from None
