"""Work: the objects and files of a run, several at a time; what fails with one stops no other."""

import errno
from collections.abc import Callable, Collection
from dataclasses import replace
from threading import Event, Lock

from sts_client import errors
from sts_client.transfer import TransferSettings, run_all

IN_A_ROW = 8
"""Failures of the network or of OSS after which a run gives up: what comes would fare no better."""
MOST_THREADS = 64

_SERVER_ERROR = 500
_TOO_MANY = 429
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
_FOR_ALL = (
    errors.UsageError,
    errors.VendingError,
    errors.TokenUnavailable,
    errors.TlsFailed,
    errors.NoSuchBucket,
    errors.InvalidAccessKeyId,
    errors.InvalidSecurityToken,
    errors.SecurityTokenExpired,
    errors.AccessKeyIdAndSecurityTokenNotMatch,
    errors.SignatureDoesNotMatch,
    errors.RequestTimeTooSkewed,
)


class Halted(Exception):
    """The run has ended, by an error or by its user, so this transfer need not go on."""


class Work:
    """The work of one run.

    Args:
        settings: of transfers.
        at_once: how many threads there are.
        fail: told what went wrong with a name.

    Attributes:
        settings: the same; transfers with them end soon when the run does.

    Raises:
        UsageError: there is no thread to do it.
    """

    def __init__(
        self, settings: TransferSettings, at_once: int, fail: Callable[[str, Exception], None]
    ) -> None:
        if not 1 <= at_once <= MOST_THREADS:
            raise errors.UsageError(f"at_once is a number from 1 to {MOST_THREADS}")
        self.settings = replace(settings, on_progress=self._told, wait=self._waited)
        self._fail = fail
        self._told_first = settings.on_progress
        self._waits = settings.wait
        self._at_once = at_once
        self._stop = Event()
        self._lock = Lock()
        self._row = 0

    def each(self, names: Collection[str], do: Callable[[str], object]) -> None:
        """Do something with each name, in threads.

        Raises:
            StsClientError: what would happen to all of them, such as that there is no lease.
            OSError: the same, such as that the disk is full.
        """
        left = iter(names)

        def one_after_the_other() -> None:
            while not self._stop.is_set():
                with self._lock:
                    name = next(left, None)
                if name is None:
                    return
                try:
                    do(name)
                except Halted:
                    return
                except (errors.StsClientError, OSError) as error:
                    self._fail(name, error)
                    if self._is_for_all(error):
                        raise
                else:
                    self._row = 0

        if names:
            tasks = [one_after_the_other] * min(self._at_once, len(names))
            run_all(tasks, threads=len(tasks), stop=self._stop)

    def _is_for_all(self, error: Exception) -> bool:
        if isinstance(error, OSError):
            return error.errno in _FULL
        if isinstance(error, errors.OssError):
            passing = error.status >= _SERVER_ERROR or error.status == _TOO_MANY
        else:
            passing = isinstance(error, errors.NetworkError)
        with self._lock:
            self._row = self._row + 1 if passing else 0
            return self._row >= IN_A_ROW or isinstance(error, _FOR_ALL)

    def _told(self, count: int) -> None:
        self._told_first(count)
        if self._stop.is_set():
            raise Halted

    def _waited(self, failures: int) -> None:
        if self._stop.is_set():
            raise Halted
        self._waits(failures)
