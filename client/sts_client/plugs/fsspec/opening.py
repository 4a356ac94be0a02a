"""Opens what a file system stands on, once for all of a process that ask for the same.

`fsspec` makes a file system anew for each thread and for each call of `pandas`; with leases of its
own each of them would ask the vending server.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from sts_client.bucket import Bucket
from sts_client.credentials import Style
from sts_client.objects import Objects
from sts_client.provider import leases_from
from sts_client.provider.forks import start_over_in_children

KEPT = 32
"""How many are kept, for those who ask next; the one asked for longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to open; two that are equal share their leases. See `sts_client.connect`."""

    server: tuple[str, ...]
    grant: str
    token: Callable[[], str]
    prefix: str | None
    actions: tuple[str, ...] | None
    duration: int | None
    endpoint: str | None
    style: Style | None
    allow_http: bool
    disk_cache: str | None
    identity: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A bucket, and the requests that it stands on."""

    bucket: Bucket
    objects: Objects


class Openings:
    """What has been opened in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Wanted, Opened] = OrderedDict()
        start_over_in_children(self)

    def start_over(self) -> None:
        """Let go of a lock that was held at the moment of a fork; leases survive that."""
        self._lock = Lock()

    def open(self, wanted: Wanted) -> Opened:
        """Return what is wanted, made now or before; raises `UsageError` if it cannot be right."""
        try:
            hash(wanted)
        except TypeError:
            return _opened(wanted)  # a token function that cannot be told from others
        with self._lock:
            found = self._kept.pop(wanted, None) or _opened(wanted)
            self._kept[wanted] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _opened(wanted: Wanted) -> Opened:
    provider = leases_from(
        wanted.server,
        grant=wanted.grant,
        token=wanted.token,
        prefix=wanted.prefix,
        actions=wanted.actions,
        duration=wanted.duration,
        allow_http=wanted.allow_http,
        disk_cache=wanted.disk_cache,
        identity=wanted.identity,
    )
    objects = Objects(
        provider, endpoint=wanted.endpoint, style=wanted.style, allow_http=wanted.allow_http
    )
    return Opened(Bucket(provider, objects), objects)


OPENINGS = Openings()
