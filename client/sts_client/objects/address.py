"""Where a bucket's objects are: lease and key in, URL out, each key encoded exactly once."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult

from sts_client.credentials import Lease, Style
from sts_client.errors import UsageError
from sts_client.signing import Query, canonical_query, encode
from sts_client.source import is_loopback, secure_origin

LONGEST_KEY = 1023
"""Bytes of UTF-8 ("Object naming conventions" in the OSS documentation)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket at an endpoint.

    Attributes:
        origin: scheme and host, perhaps a port, as the request goes there.
        path: what stands before the key: ``/``, or ``/bucket/`` with path style.
    """

    origin: str
    path: str

    def url(self, key: str, query: Query = ()) -> str:
        """Return the URL of an object, or with "" of the bucket; nothing in it is encoded yet."""
        path = self.path + _on_the_wire(encode(key, keep="/"))
        return f"{self.origin}{path}?{canonical_query(query)}" if query else self.origin + path


def address_of(
    lease: Lease,
    *,
    endpoint: str | None = None,
    style: Style | None = None,
    allow_http: bool = False,
) -> Address:
    """Return the address of the lease's bucket.

    Args:
        lease: names bucket, endpoint and style.
        endpoint: used in place of the lease's: one inside a VPC, or for transfer acceleration.
            Without a scheme it is reached by https.
        style: used in place of the lease's.
        allow_http: accept an ``http://`` endpoint on another machine.

    Raises:
        UsageError: the endpoint is none, or would show the security token to the network.
    """
    parts = check_endpoint(endpoint or lease.endpoint, allow_http=allow_http)
    style = style or lease.style
    host = parts.hostname or ""
    if style == "virtual" and (_is_ip(host) or is_loopback(host)):
        # A number has no subdomains ("Access OSS by using IP addresses"), and those of localhost
        # are looked up like any name: they may lead to another machine.
        style = "path"
    if style == "virtual":
        return Address(f"{parts.scheme}://{lease.bucket}.{parts.netloc}", "/")
    return Address(
        f"{parts.scheme}://{parts.netloc}", "/" if style == "cname" else f"/{lease.bucket}/"
    )


def check_endpoint(endpoint: str, *, allow_http: bool) -> SplitResult:
    """Split an endpoint into its parts; raises `UsageError` as `address_of` does."""
    address = endpoint if "://" in endpoint else f"https://{endpoint}"
    parts = secure_origin(address, what="the OSS endpoint", allow_http=allow_http)
    if parts.path.strip("/"):
        raise UsageError("the OSS endpoint must end with its host: no path, no bucket behind it")
    return parts


def check_key(key: str) -> str:
    """Return the key if OSS takes it as an object's name.

    Raises:
        UsageError: empty, longer than 1,023 bytes, no valid Unicode, or begins with / or a
            backslash.
    """
    given: object = key  # whatever the annotation says: callers without types exist
    if not isinstance(given, str) or not given:
        raise UsageError("a key is a text of at least one character")
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise UsageError("the key holds half a surrogate pair, which UTF-8 cannot say") from None
    if length > LONGEST_KEY:
        raise UsageError(f"the key has {length} bytes in UTF-8, OSS allows {LONGEST_KEY}")
    if key[0] in "/\\":
        raise UsageError("OSS refuses keys that begin with a slash or backslash: leave it out")
    return key


def _on_the_wire(path: str) -> str:
    # "." and ".." are names like any other to OSS, but URL libraries and proxies resolve them
    # (RFC 3986, section 5.2.4). Written as %2E they are left alone; OSS decodes before it compares.
    if "/." not in f"/{path}":
        return path
    return "/".join(
        segment.replace(".", "%2E") if segment in {".", ".."} else segment
        for segment in path.split("/")
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
