"""What is remembered for a while: bounded, and what was not used for longest goes first."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Remembered(Generic[_Value]):
    """Values by digest. All moments are of one clock or stopwatch, in seconds."""

    def __init__(self, size: int) -> None:
        """Remember at most `size` values."""
        self._size = size
        self._values: OrderedDict[bytes, tuple[float, _Value]] = OrderedDict()

    def __len__(self) -> int:
        """How many there are, over or not."""
        return len(self._values)

    def get(self, key: bytes, now: float) -> _Value | None:
        """Give a value, or None where there is none or it is over."""
        kept = self._values.get(key)
        if kept is None:
            return None
        until, value = kept
        if until <= now:
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: bytes, value: _Value, until: float) -> None:
        """Remember a value until a moment."""
        self._values[key] = (until, value)
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
