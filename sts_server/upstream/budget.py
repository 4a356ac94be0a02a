"""The budget: how many calls may be made in any minute. Arithmetic only."""


class Budget:
    """A bucket of calls that fills again by the second.

    It holds the calls of ten seconds, for the rush after a start, and fills so slowly that no
    minute, wherever it begins, sees more calls than were configured.
    """

    def __init__(self, calls_per_minute: int) -> None:
        """Start with a full bucket; at least 6 calls a minute."""
        self._size = calls_per_minute // 6
        self._rate = (calls_per_minute - self._size) / 60
        self._held: float = self._size
        self._seen: float | None = None

    def pause(self, now: float) -> float:
        """Give the seconds until a call may be made; 0 is now. `now` is a stopwatch's."""
        if self._seen is not None:
            gained = max(0.0, now - self._seen) * self._rate
            self._held = min(self._size, self._held + gained)
        self._seen = now
        return max(0.0, (1 - self._held) / self._rate)

    def take(self) -> None:
        """Make a call of those that may be made."""
        self._held -= 1
