"""The bucket: the face that users hold, put together from what it can do."""

from types import TracebackType
from typing import Self

from sts_client.bucket.caching import Caching
from sts_client.bucket.copies import Copies
from sts_client.bucket.links import Links
from sts_client.bucket.listing import Listing
from sts_client.bucket.mirrors import Mirrors
from sts_client.bucket.reads import Reads
from sts_client.bucket.transfers import Transfers
from sts_client.bucket.writes import Writes
from sts_client.objects import Objects
from sts_client.provider import Provider


class Bucket(Reads, Writes, Copies, Listing, Links, Transfers, Mirrors, Caching):
    """A bucket, as far as its grant reaches; safe to share between threads.

    With a pickle goes no lease and no token: another process fetches leases of its own, for which
    it needs a token that is a function, `TokenFile` or `TokenVariable`.

    What can go wrong arrives as `StsClientError`; what the caller's own file or iterator raised
    while it was uploaded is the cause of a `PayloadError`.

    Attributes:
        provider: the leases behind it, for programs that need the credentials themselves.
    """

    def __init__(self, provider: Provider, objects: Objects) -> None:
        self.provider = provider
        self._objects = objects

    def __repr__(self) -> str:
        return f"Bucket({self.provider!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[Provider, Objects]]:
        return type(self), (self.provider, self._objects)

    def close(self) -> None:
        """Close idle connections."""
        self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
