"""Which bucket and object a request names: by its host, by its path, or by either. Pure.

Sources: OSS, "Bucket endpoints", "Map a custom domain name"; RFC 9112 section 3.2 for Host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from sts_server.sandbox.oss.errors import OssError

OSS_HOST = re.compile(
    r"(?:(?P<bucket>[^.]*)\.)?oss-(?P<place>[a-z0-9]+(?:-[a-z0-9]+)*)\.aliyuncs\.com"
)
STS_HOST = re.compile(r"sts(?:-vpc)?(?:\.(?!oss-)[a-z0-9-]+)?\.aliyuncs\.com")
EVERYWHERE = ("accelerate", "accelerate-overseas")


@dataclass(frozen=True)
class Names:
    """What the sandbox is called.

    Attributes:
        domain: Buckets are `<bucket>.<domain>` too.
        region: The general region id; hosts of other regions are refused.
        bucket: What a host name stands for that is none of ours (a CNAME).
    """

    domain: str = "localhost"
    region: str = "cn-hangzhou"
    bucket: str = "examplebucket"


@dataclass(frozen=True)
class Place:
    """One reading of host and path: a bucket, or nothing, and a key that is still encoded."""

    bucket: bytes
    key: bytes


def places(host: str, raw_path: bytes, names: Names) -> tuple[Place, ...]:
    """Give every reading of a request, the likeliest first.

    Args:
        host: The Host header, with or without port; some clients send a whole URL.
        raw_path: The path as it arrived.
        names: What the sandbox is called.

    Raises:
        OssError: The host belongs to another region, or is a real one that wants the bucket in
            the host.
    """
    name = host_name(host)
    by_path = _by_path(raw_path)
    if _is_plain(name, names):
        return (by_path,)
    label, dot, parent = name.partition(".")
    if dot and parent == names.domain:
        return (_by_host(label, raw_path),)
    real = OSS_HOST.fullmatch(name)
    if real is None:
        if name.endswith(f".{names.domain}"):  # more labels than a bucket name can have
            return (_by_host(name.removesuffix(f".{names.domain}"), raw_path),)
        by_host = _by_host(names.bucket, raw_path)
        return (by_path, by_host) if by_path.bucket == by_host.bucket else (by_host, by_path)
    _check_region(real["place"], names.region)
    if not real["bucket"]:
        if by_path.bucket:
            raise _bucket_in_path()
        return (by_path,)
    by_host = _by_host(real["bucket"], raw_path)
    # ali-oss aimed at an IP address puts the bucket into the host, and with sldEnable into the
    # path as well.
    return (by_path, by_host) if by_path.bucket == by_host.bucket else (by_host,)


def names_bucket(host: str, names: Names) -> bool:
    """Say whether a host names a bucket for certain, so that no STS call can be meant."""
    name = host_name(host)
    real = OSS_HOST.fullmatch(name)
    return bool(real and real["bucket"]) or name.endswith(f".{names.domain}")


def is_sts(host: str) -> bool:
    """Say whether a host is one of STS's own."""
    return STS_HOST.fullmatch(host_name(host)) is not None


def host_of(headers: Mapping[bytes, bytes]) -> str:
    """Give the Host header of an ASGI scope."""
    return headers.get(b"host", b"").decode("latin-1")


def host_name(host: str) -> str:
    """Take scheme, port, brackets and a final dot away, and the case of letters."""
    rest = host.lower().rpartition("://")[2].partition("/")[0]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    return rest.partition(":")[0].removesuffix(".")


def _is_plain(name: str, names: Names) -> bool:
    """Say whether a host names no bucket: an IP address, this machine, or nothing."""
    if name in ("", "localhost", names.domain):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _by_path(raw_path: bytes) -> Place:
    bucket, _, key = raw_path.removeprefix(b"/").partition(b"/")
    return Place(bucket, key)


def _by_host(bucket: str, raw_path: bytes) -> Place:
    return Place(bucket.encode("latin-1"), raw_path.removeprefix(b"/"))


def _check_region(place: str, region: str) -> None:
    if place.removesuffix("-internal") == region or place in EVERYWHERE:
        return
    raise OssError(
        403,
        "AccessDenied",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        "0003-00001403",
        {"Endpoint": f"oss-{region}.aliyuncs.com"},
    )


def _bucket_in_path() -> OssError:
    return OssError(
        403,
        "SecondLevelDomainForbidden",
        "The bucket you are attempting to access must be addressed using OSS third level domain.",
    )
