"""Fallbacks: several vending servers that vend the same grant; one that is away is passed over."""

from collections.abc import Generator, Sequence
from typing import Generic, TypeVar

from sts_client.credentials import Lease, LeaseSource
from sts_client.errors import NetworkError, ServerUnavailable, StsClientError, UsageError

S = TypeVar("S")


class Turns(Generic[S]):
    """Whose turn it is: the server that served last, and then the others in their order.

    Only one that cannot serve is passed over. A refusal counts: the next server would say the same,
    or should.

    Args:
        sources: at least one; the first is preferred.
    """

    def __init__(self, sources: Sequence[S]) -> None:
        if not sources:
            raise UsageError("name at least one vending server")
        self._sources = tuple(sources)
        self._served = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._sources)!r})"

    def turns(self) -> Generator[S, Lease, Lease]:
        """Yield whom to ask, and be sent the lease or thrown the error; return the lease.

        Raises:
            StsClientError: what the first one that was asked raised if none can serve.
        """
        first_failure: StsClientError | None = None
        served = self._served
        others = (number for number in range(len(self._sources)) if number != served)
        for number in (served, *others):
            try:
                lease = yield self._sources[number]
            except (NetworkError, ServerUnavailable) as error:
                first_failure = first_failure or error
            else:
                self._served = number
                return lease
        assert first_failure is not None  # noqa: S101 - there is at least one source
        raise first_failure


class Fallbacks(Turns[LeaseSource]):
    """Asks several servers, each in its turn."""

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a new lease; raises what the first one that was asked raised if none can serve."""
        turns = self.turns()
        try:
            source = next(turns)
            while True:
                try:
                    lease = source.fetch(refused=refused)
                except StsClientError as error:
                    source = turns.throw(error)
                else:
                    source = turns.send(lease)
        except StopIteration as end:
            found: Lease = end.value
            return found
