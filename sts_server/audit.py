"""The audit log: one JSON object a line, appended to a file or to standard error."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sts_server.clock import Clock, system_clock, to_wire

Record = Mapping[str, object]


class AuditLog:
    """Writes lines. What callers sent is escaped by JSON, so nobody can forge a line of it."""

    def __init__(self, target: str, *, clock: Clock = system_clock) -> None:
        """Open the log.

        Args:
            target: `stderr`, or the path of a file: made readable by its owner only, appended to.
            clock: tells the time of each line.

        Raises:
            OSError: the file cannot be opened.
        """
        self._clock = clock
        self._file = sys.stderr.fileno() if target == "stderr" else _open(Path(target))

    def write(self, record: Record) -> None:
        """Append one line. It stands in the log when this returns.

        Raises:
            OSError: it could not be written; then what it speaks of must not happen.
        """
        line = json.dumps({"time": to_wire(self._clock()), **record}, separators=(",", ":"))
        # One write, so that lines of several processes do not mix.
        os.write(self._file, line.encode() + b"\n")


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
