"""Forks: what holds locks or waits for threads starts over in a child, which has but one thread."""

import os
from typing import Protocol
from weakref import WeakSet


class _StartsOver(Protocol):
    def start_over(self) -> None: ...


_ALL: WeakSet[_StartsOver] = WeakSet()


def start_over_in_children(thing: _StartsOver) -> None:
    """Have something start over in each child that this process forks, for as long as it lives."""
    _ALL.add(thing)


def _start_over_in_a_child() -> None:
    for thing in tuple(_ALL):
        thing.start_over()


if hasattr(os, "register_at_fork"):
    # It runs while the child has but one thread: no other meets the old lock.
    os.register_at_fork(after_in_child=_start_over_in_a_child)
