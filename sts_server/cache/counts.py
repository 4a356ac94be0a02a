"""The counts of a cache: what became of each ask. Plain numbers, read when somebody wants them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Since the start. Calls of AssumeRole are misses and refreshes, and no others.

    Attributes:
        hits: asks that got a lease which was there.
        misses: asks that started a call and waited for it.
        waiters: asks that waited for a call that another ask had started.
        refreshes: calls started behind a hit.
    """

    hits: int = 0
    misses: int = 0
    waiters: int = 0
    refreshes: int = 0
