"""Our own key as it is now: found by whoever knows where, and kept while its source is away."""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from sts_server.access_key import AccessKey
from sts_server.clock import Clock
from sts_server.errors import KeyNotFound
from sts_server.upstream.failures import unavailable

PAUSE: Final = 5.0
"""Seconds without looking again after nothing was found."""
PAUSE_REFUSED: Final = 30.0
"""The same after STS refused what was found."""

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Where our own key is found. May block; asked by one thread at a time."""

    def find(self) -> AccessKey:
        """Give the key as it is now, or raise KeyNotFound."""

    def forget(self) -> None:
        """Look everywhere again the next time: the key is no longer good."""


class OwnKey:
    """Our own key, for all threads that call STS."""

    def __init__(self, source: Source, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        """Take the source; nothing is looked for yet."""
        self._source = source
        self._stopwatch: Clock = stopwatch
        self._turn = threading.Lock()
        self._last: AccessKey | None = None
        self._problem: KeyNotFound | None = None
        self._look_again = 0.0
        self._forget_again = -math.inf

    def get(self) -> AccessKey:
        """Give the key. While one thread renews it, the others go on with the one before.

        Raises:
            UpstreamUnavailable: there is none.
        """
        last = self._last
        # Whoever has no key at all waits: for what the source takes, which has its own time-outs.
        if not self._turn.acquire(blocking=last is None):
            assert last is not None  # noqa: S101 - mypy does not follow the line above
            return last
        try:
            return self._look()
        except KeyNotFound as error:
            # A key whose source is away is used until STS says that it is over.
            if self._last is not None:
                return self._last
            raise unavailable(str(error), asked=False) from None
        finally:
            self._turn.release()

    def look(self) -> AccessKey:
        """Look for the key now; raises KeyNotFound."""
        with self._turn:
            return self._look()

    def instead_of(self, key: AccessKey) -> AccessKey | None:
        """Take notice that STS refused a key, and give the one that is there by now, if any.

        Not all the time: where the same key is found again, it is wrong, and stays so for a while.
        """
        with self._turn:
            if self._last == key:
                if self._stopwatch() < self._forget_again:
                    return None
                self._forget_again = self._stopwatch() + PAUSE_REFUSED
                self._last = None
                self._source.forget()
                with contextlib.suppress(KeyNotFound):
                    self._look()
            return None if self._last == key else self._last

    def _look(self) -> AccessKey:
        if self._problem is not None and self._stopwatch() < self._look_again:
            raise KeyNotFound(str(self._problem), may_pass=self._problem.may_pass)
        try:
            self._last = self._source.find()
        except KeyNotFound as error:
            self._problem = error
            self._look_again = self._stopwatch() + PAUSE
            if self._last is not None:
                _log.warning("%s; until STS refuses it, the one before is used", error)
            raise
        return self._last
