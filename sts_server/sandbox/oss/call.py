"""One authorised call of an operation: the request, and all that serving it may need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sts_server.sandbox.oss.answer import Receive
from sts_server.sandbox.oss.errors import no_such_bucket
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.store import Store


class Demand(Protocol):
    """Asks the caller's policies for one more right."""

    async def __call__(
        self,
        action: str,
        bucket: str,
        key: str = "",
        *,
        version: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Ask.

        Args:
            action: The RAM action, `oss:GetObject`.
            bucket: The bucket it touches.
            key: The object, or empty for the bucket itself.
            version: A version of it, or empty for the latest.
            facts: Condition keys beyond those of the request.

        Raises:
            OssError: The policies do not allow it.
        """


@dataclass(frozen=True)
class Call:
    """What a handler is given.

    Attributes:
        request: The request, authorised for the action of its operation.
        receive: The ASGI receive channel.
        store: Where objects live.
        region: The general region id.
        owner: Account id of the owner of all buckets.
        demand: Asks for rights that only the handler knows of, before it looks at what exists.
    """

    request: OssRequest
    receive: Receive
    store: Store
    region: str
    owner: str
    demand: Demand

    @property
    def bucket(self) -> Bucket:
        """The bucket of the request as it is set now.

        Raises:
            OssError: It has been deleted meanwhile.
        """
        found = self.store.bucket(self.request.bucket)
        if found is None:
            raise no_such_bucket(self.request.bucket)
        return found

    @property
    def header(self) -> Mapping[str, str]:
        """The headers of the request, lower-case names."""
        return self.request.headers

    @property
    def query(self) -> Mapping[str, str]:
        """The decoded parameters of the request."""
        return self.request.query
