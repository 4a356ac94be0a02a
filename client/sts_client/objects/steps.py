"""Steps: what an operation asks of whoever runs it, so that threads and asyncio run the same one.

An operation is a generator: it yields a step, and is sent what came of it or thrown the error.
`Objects.run` is one that runs them; another waits for each step without blocking its event loop.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sts_client.credentials import Lease
from sts_client.objects.call import Call

T = TypeVar("T")


class Answer(Protocol):
    """The head of an answer; its body is still unread."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By case-insensitive names."""


@dataclass(frozen=True, slots=True)
class Present:
    """Give the lease to use now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Report that OSS did not accept a lease's key; give the lease to go on with."""

    access_key_id: str


@dataclass(frozen=True, slots=True)
class Mistimed:
    """Report that OSS found the time of a request wrong; give the lease to go on with."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Send:
    """Sign and send a call; give its answer."""

    call: Call
    lease: Lease


@dataclass(frozen=True, slots=True)
class Read:
    """Give what the body of an answer begins with, at most so many bytes, and close it."""

    answer: Any
    most: int


@dataclass(frozen=True, slots=True)
class Close:
    """Give up an answer, whatever is left of its body."""

    answer: Any


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next attempt, after so many have failed; `exchange.pause` says how long."""

    failures: int


Step = Present | Refused | Mistimed | Send | Read | Close | Pause
Steps = Generator[Step, Any, T]


def present() -> Steps[Lease]:
    """Ask for the lease to use now."""
    lease: Lease = yield Present()
    return lease


def send(call: Call, lease: Lease) -> Steps[Answer]:
    """Ask for a call to be sent."""
    answer: Answer = yield Send(call, lease)
    return answer


def read(answer: Answer, most: int) -> Steps[bytes]:
    """Ask for the body of an answer."""
    body: bytes = yield Read(answer, most)
    return body
