"""Attempts: how often a piece of a transfer is tried, and after which errors again."""

from collections.abc import Callable
from typing import TypeVar

from sts_client.errors import NetworkError, OssError, StsClientError, TransferError
from sts_client.objects import STALE_LEASE

T = TypeVar("T")

ATTEMPTS = 6
"""At one piece, however much of it each of them brings."""

_SERVER_ERROR = 500
_TOO_MANY = 429


def may_pass(error: StsClientError) -> bool:
    """Return whether an error may not come again.

    A broken connection, a server's own fault; or a lease that ended, where each next attempt has
    another.
    """
    if isinstance(error, OssError):
        return (
            error.status >= _SERVER_ERROR or error.status == _TOO_MANY or error.code in STALE_LEASE
        )
    return isinstance(error, NetworkError | TransferError)


def attempt(work: Callable[[], T], wait: Callable[[int], None]) -> T:
    """Do some work, again after errors that may pass.

    Args:
        work: what to do; called once for each attempt.
        wait: waits before the next attempt, after so many have failed.

    Raises:
        StsClientError: the last attempt's.
    """
    failures = 0
    while True:
        try:
            return work()
        except StsClientError as error:
            failures += 1
            if failures >= ATTEMPTS or not may_pass(error):
                raise
        wait(failures)
