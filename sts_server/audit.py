"""The audit log: one JSON object a line, appended to a file or to standard error."""

import errno
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sts_server.clock import Clock, system_clock, to_wire
from sts_server.lines import Lines

Record = Mapping[str, object]

STDERR: Final = 2
"""Its file descriptor."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class AuditLog:
    """Writes lines. What callers sent is escaped by JSON, so nobody can forge a line of it."""

    def __init__(self, target: str, *, clock: Clock = system_clock) -> None:
        """Open the log.

        Args:
            target: `stderr`, or the path of a file: made readable by its owner only, appended to.
            clock: tells the time of each line.

        Raises:
            OSError: the file cannot be opened, or standard error is closed.
        """
        self._clock = clock
        self._shared = target == "stderr"
        if self._shared:
            if sys.stderr is None:
                # Closed by whoever started us: its number may be anything by now.
                raise OSError(errno.EBADF, "standard error is closed")
            self._lines = Lines(STDERR)
        else:
            self._lines = Lines(_open(Path(target)))

    def write(self, record: Record) -> None:
        """Append one line. It stands in the log when this returns.

        Raises:
            OSError: it does not; then what it speaks of must not happen.
        """
        timed = {"time": to_wire(self._clock()), **record}
        self._lines.write(_encode(timed))

    def close(self) -> None:
        """Close the file, if it was this log that opened it."""
        if not self._shared:
            self._lines.close()


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
