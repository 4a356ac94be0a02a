"""The logs: what this server tells its operator, one line each on standard error, as text or JSON.

The audit log is another stream (`audit.py`): it may stop a lease, these lines stop nothing.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

from sts_server.lines import LineHandler, Lines

Format = Literal["text", "json"]
Level = Literal["info", "warning", "error"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The exchange that is being answered; what it starts in the background keeps it."""

_STDERR: Final = 2  # its file descriptor
_OURS: Final = "sts_server"

_encode = json.JSONEncoder(separators=(",", ":")).encode


class TextFormatter(logging.Formatter):
    """Writes `LEVEL logger: message`. A trace follows, indented: it cannot pass for a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        head = f"{record.levelname} {record.name}: {record.getMessage()}"
        trace = _trace(self, record)
        indented = "".join(f"\n    {printable(line)}" for line in trace.split("\n") if line)
        return printable(head) + indented


class JsonFormatter(logging.Formatter):
    """Writes one object, in ASCII: whatever a text holds, it neither ends the line nor turns it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, str] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (known := request_id.get()) is not None:
            told["request_id"] = known
        if trace := _trace(self, record):
            told["trace"] = trace
        return _encode(told)


def set_up(form: Format = "text", level: Level = "info") -> None:
    """Send every log line of this process to standard error; may be said again.

    Other libraries are only heard from `warning` on: what they tell of their work in detail may
    hold whole headers.
    """
    handler: logging.Handler = LineHandler(Lines(_STDERR)) if sys.stderr else logging.NullHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    handler.setLevel(level.upper())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_OURS).setLevel(logging.INFO)
    logging.captureWarnings(True)


def printable(text: str) -> str:
    """Escape what is not plainly seen: line ends, control characters, those that turn a text."""
    if text.isprintable():
        return text
    return "".join(
        it if it.isprintable() else it.encode("unicode_escape").decode("ascii") for it in text
    )


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [
        formatter.formatException(record.exc_info) if record.exc_info else record.exc_text or "",
        record.stack_info or "",
    ]
    return "\n".join(part for part in parts if part)
