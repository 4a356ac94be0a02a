"""The settings of a transfer: how much at a time, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sts_client.errors import UsageError
from sts_client.objects import wait

MIB = 1024 * 1024


def _nobody(_: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """How files and objects are moved.

    Attributes:
        part_size: bytes of a part; what is no longer moves in one request.
        threads: requests at a time, for one file.
        on_progress: told how many bytes more have moved, from several threads; fewer than none
            where some have to move again.
        journal: a folder for notes of uploads in parts that are under way: then one that fails, or
            whose process is killed, is taken up by the next attempt, and not aborted.
        wait: waits before the next attempt at a piece, after so many have failed.

    Raises:
        UsageError: there is no thread to do it.
    """

    part_size: int = 16 * MIB
    threads: int = 4
    on_progress: Callable[[int], None] = _nobody
    journal: Path | None = None
    wait: Callable[[int], None] = wait

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= 64:  # noqa: PLR2004 - connections that are kept
            raise UsageError("threads is a number from 1 to 64")
