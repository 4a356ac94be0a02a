"""Opening: from a server's address to a provider of leases, without a word to the network."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sts_client.credentials import LeaseSource
from sts_client.disk_cache import DiskCache
from sts_client.errors import UsageError
from sts_client.provider.provider import Provider
from sts_client.provider.refresh import Refresh
from sts_client.source import Fallbacks, Token, VendingServer, Wish


def leases_from(  # noqa: PLR0913 - each is a word of its own to whoever calls
    server: str | Sequence[str],
    *,
    grant: str,
    token: Token,
    prefix: str | None = None,
    actions: Sequence[str] | None = None,
    duration: int | None = None,
    allow_http: bool = False,
    disk_cache: str | Path | None = None,
    identity: str | None = None,
    on_refresh: Callable[[Refresh], object] | None = None,
) -> Provider:
    """Return a provider of leases for one grant. Nothing is sent before the first one is needed.

    Args:
        server: address of the vending server, such as ``https://sts.example.com``, or several that
            vend the same: the others are asked when one is away.
        grant: name of a right in that server's configuration.
        token: the bearer token, or a function that returns the present one: `TokenFile` and
            `TokenVariable` are such.
        prefix: asks for less than the grant: a folder ending in ``/``, or one exact object.
        actions: asks for less than the grant: some of ``get``, ``put``, ``list``, ``delete``.
        duration: seconds that leases should live.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.
        disk_cache: a folder of this user's alone in which processes share their leases.
        identity: who asks, in any words that tell two callers apart; needed for `disk_cache`.
        on_refresh: told how each refresh went.

    Raises:
        UsageError: an argument cannot be right.
    """
    servers = [server] if isinstance(server, str) else list(server)
    source = source_of(
        servers,
        Wish(grant, prefix, actions, duration),
        token=token,
        allow_http=allow_http,
        disk_cache=disk_cache,
        identity=identity,
    )
    return Provider(source, on_refresh=on_refresh)


def source_of(
    servers: Sequence[str],
    wish: Wish,
    *,
    token: Token,
    allow_http: bool,
    disk_cache: str | Path | None,
    identity: str | None,
) -> LeaseSource:
    """Return what asks the servers, and a disk cache before them if there is one.

    Raises:
        UsageError: an argument cannot be right.
    """
    asked = [VendingServer(each, wish, token=token, allow_http=allow_http) for each in servers]
    source: LeaseSource = asked[0] if len(asked) == 1 else Fallbacks(asked)
    if disk_cache is None:
        return source
    if not identity:
        raise UsageError("a disk cache needs identity=: whose leases are they?")
    return DiskCache(source, disk_cache, (list(servers), repr(wish), identity))
