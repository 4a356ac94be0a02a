"""Progress: a bar on a terminal, a line now and then elsewhere, nothing where it is not wanted."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from sts_client.cli.report import Report
from sts_client.cli.streams import Streams, printable

SECONDS = 5.0
"""Between two lines, so that what is moved within that time has none."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024

Moved = Callable[[int], None]
"""Told how many bytes more have moved, from any thread; fewer than none: they move again."""


def shows_bar(report: Report) -> bool:
    """Return whether a bar would be shown: it is worth a request that tells how long it gets."""
    return not (report.as_json or report.quiet) and report.streams.stderr.isatty()


@contextmanager
def moving(report: Report, what: str, total: int | None) -> Iterator[Moved]:
    """Show on standard error how far it is.

    Args:
        report: decides whether and where.
        what: is moved.
        total: of its bytes, or None where nobody knows.
    """
    if report.as_json or report.quiet:
        yield _nobody
    elif shows_bar(report):
        with _bar(report.streams, printable(what), total) as moved:
            yield moved
    else:
        yield Lines(report.streams, what, total).moved


class Lines:
    """A line every few seconds.

    Args:
        streams: where it is written.
        what: is moved.
        total: of its bytes, or None.
        stopwatch: returns seconds since whenever.
    """

    def __init__(
        self,
        streams: Streams,
        what: str,
        total: int | None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._streams = streams
        self._what = what
        self._of = "" if total is None else f" of {amount(total)}"
        self._stopwatch = stopwatch
        self._said = stopwatch()
        self._bytes = 0
        self._lock = Lock()

    def moved(self, count: int) -> None:
        """Count, and say it if it is time."""
        with self._lock:
            self._bytes += count
            now = self._stopwatch()
            if now - self._said >= SECONDS:
                self._said = now
                line = f"{self._what}: {amount(self._bytes)}{self._of}"
                self._streams.complain(line, bare=True)


def amount(count: int) -> str:
    """Write a number of bytes for people."""
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{count} {_UNITS[0]}"


@contextmanager
def _bar(streams: Streams, what: str, total: int | None) -> Iterator[Moved]:
    try:
        from rich.console import Console  # noqa: PLC0415 - of an extra, and slow to import
        from rich.progress import (  # noqa: PLC0415 - the same
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
    except ImportError:
        yield Lines(streams, what, total).moved
        return
    text = io.TextIOWrapper(streams.stderr, "utf-8", "backslashreplace", write_through=True)
    try:
        with Progress(
            # Without markup: what stands in a name in brackets is no colour.
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=text),
            transient=True,
        ) as progress:
            task = progress.add_task(what, total=total)
            yield lambda count: progress.advance(task, count)
    finally:
        text.detach()


def _nobody(_: int) -> None:
    """Tell nobody."""
