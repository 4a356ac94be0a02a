"""Several vending servers that vend the same grant; one that is away is passed over."""

from sts_client.aio.source.lease_source import AsyncLeaseSource
from sts_client.credentials import Lease
from sts_client.errors import StsClientError
from sts_client.source import Turns


class AsyncFallbacks(Turns[AsyncLeaseSource]):
    """Asks several servers, each in its turn, as `Fallbacks` does."""

    async def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a new lease; raises what the first one that was asked raised if none can serve."""
        turns = self.turns()
        try:
            source = next(turns)
            while True:
                try:
                    lease = await source.fetch(refused=refused)
                except StsClientError as error:
                    source = turns.throw(error)
                else:
                    source = turns.send(lease)
        except StopIteration as end:
            found: Lease = end.value
            return found
