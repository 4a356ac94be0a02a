"""Credentials and leases as values: nothing here fetches, renews or judges them."""

from dataclasses import dataclass, field
from typing import Literal, NoReturn, Protocol

Style = Literal["virtual", "path", "cname"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """One triple that OSS accepts: its parts belong together and are only handed out together.

    ``repr``, ``str`` and ``format`` show the id alone, and pickling is refused: an id is for logs,
    the other two never are.

    Attributes:
        access_key_id: the public part, ``STS.…``.
        access_key_secret: signs requests, never leaves the process.
        security_token: goes with every request.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("credentials are not pickled or copied: let each process have its own")


@dataclass(frozen=True, slots=True)
class Lease:
    """Credentials for a while, and what they are good for.

    Times are seconds since the epoch by the vending server's clock; `offset` leads there.

    Attributes:
        credentials: the triple.
        bucket: name of the bucket.
        region: general region id such as ``cn-hangzhou``.
        endpoint: scheme and host, perhaps a port: ``https://oss-cn-hangzhou.aliyuncs.com``.
        style: how the bucket is addressed at this endpoint.
        prefix: what the lease covers: a folder ends in ``/``, else one object; "" is all.
        actions: what it allows: some of ``get``, ``put``, ``list``, ``delete``.
        issued: when the credentials were made.
        refresh_after: from when on a new lease should be asked for, or None.
        expiry: when OSS stops to accept them.
        offset: server clock minus local clock, in seconds.
        request_id: finds the lease in the vending server's audit log.
    """

    credentials: Credentials
    bucket: str
    region: str
    endpoint: str
    style: Style
    prefix: str
    actions: tuple[str, ...]
    issued: float
    refresh_after: float | None
    expiry: float
    offset: float = 0.0
    request_id: str = ""


class LeaseSource(Protocol):
    """Whatever hands out leases."""

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a new lease; `refused` is the AccessKey id of one that OSS did not accept."""
