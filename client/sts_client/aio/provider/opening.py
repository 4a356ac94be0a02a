"""Opening: from a server's address to a provider for asyncio, without a word to the network."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from sts_client.aio.provider.provider import AsyncProvider
from sts_client.aio.source import (
    AsyncFallbacks,
    AsyncLeaseSource,
    AsyncToken,
    AsyncVendingServer,
    InThread,
    waits,
)
from sts_client.errors import UsageError
from sts_client.provider import Refresh, source_of
from sts_client.source import Token, Wish


def leases_from(  # noqa: PLR0913 - each is a word of its own to whoever calls
    server: str | Sequence[str],
    *,
    grant: str,
    token: AsyncToken,
    prefix: str | None = None,
    actions: Sequence[str] | None = None,
    duration: int | None = None,
    allow_http: bool = False,
    disk_cache: str | Path | None = None,
    identity: str | None = None,
    on_refresh: Callable[[Refresh], object] | None = None,
) -> AsyncProvider:
    """Return a provider of leases for one grant. Nothing is sent before the first one is needed.

    Args:
        server: and all below that are not explained here: as for `sts_client.leases_from`.
        grant: name of a right in that server's configuration.
        token: the bearer token, or a function, async or not, that returns the present one.
        prefix: asks for less than the grant.
        actions: asks for less than the grant.
        duration: seconds that leases should live.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.
        disk_cache: a folder in which processes share their leases; it is used in a thread, and the
            token's function must not be async.
        identity: who asks; needed for `disk_cache`.
        on_refresh: told how each refresh went, in the loop.

    Raises:
        UsageError: an argument cannot be right.
    """
    wish = Wish(grant, prefix, actions, duration)
    servers = [server] if isinstance(server, str) else list(server)
    if disk_cache is not None:
        if waits(token):
            raise UsageError("with a disk cache the token's function must not be async")
        source: AsyncLeaseSource = InThread(
            source_of(
                servers,
                wish,
                token=cast("Token", token),
                allow_http=allow_http,
                disk_cache=disk_cache,
                identity=identity,
            )
        )
    else:
        asked = [
            AsyncVendingServer(each, wish, token=token, allow_http=allow_http) for each in servers
        ]
        source = asked[0] if len(asked) == 1 else AsyncFallbacks(asked)
    return AsyncProvider(source, on_refresh=on_refresh)
