"""A proof: what one request brings to show who is calling. Nothing of it is believed yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proof:
    """The parts of a request that may prove who is calling.

    Attributes:
        header: gives every value of a header, by its name in lower case, as they were sent.
        peer: the address of the other end of the connection.
    """

    header: Callable[[str], Sequence[str]]
    peer: str
