"""Leases inside alibabacloud-credentials, and so inside every SDK of Alibaba Cloud that takes it.

::

    from alibabacloud_credentials.client import Client
    from sts_client.plugs.credentials import LeaseProvider

    leases = sts_client.leases_from("https://sts.example.com", grant="uploads", token=get_jwt)
    credential = Client(provider=LeaseProvider(leases))
    # for instance alibabacloud_tea_openapi.models.Config(credential=credential, ...)

These SDKs ask before each request. What they do not tell is whether the service accepted what they
sent: a lease that ends early is used until it is stale, unless somebody says `Provider.refused`.
A lease is good for OSS alone, within its scope: other services refuse it.
"""

from sts_client.plugs.ahead import Ahead
from sts_client.plugs.missing import missing
from sts_client.plugs.triple import PROVIDER_NAME, Triple
from sts_client.provider import Provider

try:
    from alibabacloud_credentials_api import ICredentialsProvider
except ImportError as error:
    raise missing(error, "alibabacloud_credentials_api", "alibabacloud-credentials") from None


class LeaseProvider(ICredentialsProvider):  # type: ignore[misc]  # the SDK has no types
    """The credentials of the lease to use now, for threads and for coroutines.

    Args:
        provider: the leases.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._ahead = Ahead(provider)

    def __repr__(self) -> str:
        return f"LeaseProvider({self._provider!r})"

    def __reduce__(self) -> tuple[type["LeaseProvider"], tuple[Provider]]:
        return type(self), (self._provider,)

    def get_credentials(self) -> Triple:
        """Return one lease's credentials; raises as `Provider.lease`."""
        return Triple(self._provider.credentials())

    async def get_credentials_async(self) -> Triple:
        """Return the same without holding up the loop, wherever the lease has to come from."""
        return Triple((await self._ahead.lease()).credentials)

    def get_provider_name(self) -> str:
        """Return what the SDKs tell the service about where credentials come from."""
        return PROVIDER_NAME
