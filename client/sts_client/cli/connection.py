"""The connection: from options and environment to the leases of a grant, and to its bucket."""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import random

from sts_client.bucket import Bucket
from sts_client.errors import UsageError
from sts_client.objects import Objects
from sts_client.provider import Provider, in_background, source_of
from sts_client.source import TokenFile, Wish


@dataclass(frozen=True, slots=True)
class Connection:
    """A bucket, and what is behind it for the commands that need more than its face.

    Attributes:
        bucket: the face.
        objects: single requests.
        servers: addresses of the vending servers.
        grant: what they are asked for.
    """

    bucket: Bucket
    objects: Objects
    servers: tuple[str, ...]
    grant: str

    @property
    def provider(self) -> Provider:
        """The leases."""
        return self.bucket.provider


def opened(options: argparse.Namespace, environ: Mapping[str, str]) -> Bucket:
    """Return the bucket; nothing is sent yet. Raises UsageError if something is not said."""
    return connected(options, environ).bucket


def connected(options: argparse.Namespace, environ: Mapping[str, str]) -> Connection:
    """Return the bucket with what is behind it; nothing is sent yet. Raises as `opened` does."""
    provider = leases(options, environ)
    objects = Objects(provider, endpoint=options.endpoint, allow_http=options.allow_http)
    servers, grant = _asked(options, environ)
    return Connection(Bucket(provider, objects), objects, servers, grant)


def leases(
    options: argparse.Namespace,
    environ: Mapping[str, str],
    *,
    at_once: bool = False,
    clock: Callable[[], float] = time.time,
) -> Provider:
    """Return the leases alone.

    Args:
        options: as `shared` has them.
        environ: stands in for those that are not given.
        at_once: whoever asks waits for the next lease as soon as the present one is stale, so that
            what is handed out has as long to live as it can have.
        clock: returns seconds since the epoch.
    """
    servers, grant = _asked(options, environ)
    token = environ.get("OSS_STS_TOKEN", "")
    if not options.token_file and not token:
        raise UsageError("say --token-file, or set OSS_STS_TOKEN")
    source = source_of(
        servers,
        Wish(grant, duration=options.duration),
        token=TokenFile(options.token_file) if options.token_file else token,
        allow_http=options.allow_http,
        disk_cache=options.disk_cache,
        identity=options.identity,
    )
    behind: Callable[[Callable[[], None]], None] = _now if at_once else in_background
    jitter: Callable[[], float] = (lambda: 0.0) if at_once else random
    return Provider(source, behind=behind, random=jitter, clock=clock)


def _asked(options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    told = [each.strip() for each in environ.get("OSS_STS_SERVER", "").split(",")]
    servers = tuple(options.server or filter(None, told))
    grant: str = options.grant or environ.get("OSS_STS_GRANT", "")
    if not servers or not grant:
        raise UsageError("say --server and --grant, or set OSS_STS_SERVER and OSS_STS_GRANT")
    return servers, grant


def _now(function: Callable[[], None]) -> None:
    function()
