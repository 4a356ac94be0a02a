"""Says what strangers can cause at most once a minute, and how often it was left unsaid."""

import logging
import time
from dataclasses import dataclass

from sts_server.clock import Clock

_PAUSE = 60  # seconds between two lines of one kind


@dataclass(slots=True)
class _Kind:
    again: float = 0  # when it may be said again
    unsaid: int = 0


class Seldom:
    """Warns in a log that nobody can flood from outside."""

    def __init__(self, log: logging.Logger, *, stopwatch: Clock = time.monotonic) -> None:
        """Take the log to warn in."""
        self._log = log
        self._stopwatch = stopwatch
        self._kinds: dict[str, _Kind] = {}

    def warn(self, message: str, *details: object) -> None:
        """Warn, if this message was not said within the last minute. Details do not make it new."""
        kind = self._kinds.setdefault(message, _Kind())
        now = self._stopwatch()
        if now < kind.again:
            kind.unsaid += 1
            return
        told = f"{message} (and {kind.unsaid} times before)" if kind.unsaid else message
        kind.again, kind.unsaid = now + _PAUSE, 0
        self._log.warning(told, *details)
