"""Connecting: from a server's address to a bucket for asyncio, without a word to the network."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sts_client.aio.bucket.bucket import AsyncBucket
from sts_client.aio.objects import AsyncObjects, Reach
from sts_client.aio.provider import leases_from
from sts_client.aio.source import AsyncToken
from sts_client.credentials import Style
from sts_client.provider import Refresh


def connect(  # noqa: PLR0913 - each is a word of its own to whoever calls
    server: str | Sequence[str],
    *,
    grant: str,
    token: AsyncToken,
    prefix: str | None = None,
    actions: Sequence[str] | None = None,
    duration: int | None = None,
    endpoint: str | None = None,
    style: Style | None = None,
    allow_http: bool = False,
    disk_cache: str | Path | None = None,
    identity: str | None = None,
    on_refresh: Callable[[Refresh], object] | None = None,
) -> AsyncBucket:
    """Return the bucket that a grant opens. Nothing is sent before the first request needs it.

    Args:
        server: address of the vending server, or several; see `leases_from`, as for all below that
            are not explained here.
        grant: name of a right in that server's configuration.
        token: the bearer token, or a function, async or not, that returns the present one.
        prefix: asks for less than the grant.
        actions: asks for less than the grant.
        duration: seconds that leases should live.
        endpoint: reaches OSS here and not where the lease says: inside a VPC, or accelerated.
        style: addresses the bucket so and not as the lease says.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.
        disk_cache: a folder in which processes share their leases.
        identity: who asks; needed for `disk_cache`.
        on_refresh: told how each refresh of the lease went.

    Raises:
        UsageError: an argument cannot be right.
    """
    provider = leases_from(
        server,
        grant=grant,
        token=token,
        prefix=prefix,
        actions=actions,
        duration=duration,
        allow_http=allow_http,
        disk_cache=disk_cache,
        identity=identity,
        on_refresh=on_refresh,
    )
    reach = Reach(endpoint=endpoint, style=style, allow_http=allow_http)
    return AsyncBucket(provider, AsyncObjects(provider, reach))
