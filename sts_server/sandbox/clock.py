"""The two clocks of the sandbox: the real one, and a virtual one that tests may push forward."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

MARGIN = timedelta(days=3660)  # what is left to add to virtual time before the calendar ends

_SKEW = ContextVar("skew", default=timedelta())  # of the request that this task serves


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Real time, and virtual time: real time plus an offset that only grows.

    Request timestamps are judged by `real`, because unmodified SDKs stamp with it. Token expiry,
    `Expiration` and `Last-Modified` follow `now`.

    Args:
        real: Where real time comes from; returns an aware UTC datetime.
        offset: How far virtual time is ahead to begin with.
        keep: Told every new offset.
    """

    def __init__(
        self,
        real: Callable[[], datetime] = _utc_now,
        offset: timedelta = timedelta(),
        keep: Callable[[timedelta], None] = lambda _offset: None,
    ) -> None:
        self._real = real
        self._offset = offset
        self._keep = keep

    @property
    def offset(self) -> timedelta:
        """How far virtual time is ahead of real time."""
        return self._offset

    def real(self) -> datetime:
        """Return real time, aware, in UTC, off by the skew of the request that is being served."""
        return self._real() + _SKEW.get()

    @contextmanager
    def skewed(self, skew: timedelta) -> Iterator[None]:
        """Let `real` be off inside this block, in this task only.

        Args:
            skew: How far ahead of the truth; may be negative.
        """
        token = _SKEW.set(skew)
        try:
            yield
        finally:
            _SKEW.reset(token)

    def now(self) -> datetime:
        """Return virtual time, aware, in UTC."""
        return self._real() + self._offset

    def advance(self, step: timedelta) -> None:
        """Push virtual time forward.

        Args:
            step: How far; never negative, so that issued leases cannot come back to life.

        Raises:
            ValueError: The step is negative or leaves the calendar.
        """
        if step < timedelta():
            raise ValueError("virtual time only moves forward")
        try:
            self._real() + self._offset + step + MARGIN
        except OverflowError:
            raise ValueError("virtual time would leave the calendar") from None
        self._offset += step
        self._keep(self._offset)

    def reset(self) -> None:
        """Bring virtual time back to real time; only once there is no lease left to come alive."""
        self._offset = timedelta()
        self._keep(self._offset)


def iso(moment: datetime) -> str:
    """Render a moment as RAM and STS do: UTC, whole seconds, `2025-12-01T08:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
