"""Connecting: from a server's address to a bucket, without a word to the network."""

from collections.abc import Sequence

from sts_client.bucket.bucket import Bucket
from sts_client.credentials import Style
from sts_client.objects import Objects
from sts_client.provider import Provider
from sts_client.source import Token, VendingServer, Wish


def connect(
    server: str,
    *,
    grant: str,
    token: Token,
    prefix: str | None = None,
    actions: Sequence[str] | None = None,
    duration: int | None = None,
    endpoint: str | None = None,
    style: Style | None = None,
    allow_http: bool = False,
) -> Bucket:
    """Return the bucket that a grant opens. Nothing is sent before the first request needs it.

    Args:
        server: address of the vending server, such as ``https://sts.example.com``.
        grant: name of a right in that server's configuration.
        token: the bearer token, or a function that returns the present one.
        prefix: asks for less than the grant: a folder ending in ``/``, or one exact object.
        actions: asks for less than the grant: some of ``get``, ``put``, ``list``, ``delete``.
        duration: seconds that leases should live.
        endpoint: reaches OSS here and not where the lease says: inside a VPC, or accelerated.
        style: addresses the bucket so and not as the lease says.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.

    Raises:
        UsageError: an argument cannot be right.
    """
    wish = Wish(grant, prefix, actions, duration)
    source = VendingServer(server, wish, token=token, allow_http=allow_http)
    provider = Provider(source)
    objects = Objects(provider, endpoint=endpoint, style=style, allow_http=allow_http)
    return Bucket(provider, objects)
