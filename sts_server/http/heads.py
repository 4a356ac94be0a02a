"""What the head of a request may be. Pure: a head in, what is wrong with it out."""

from collections.abc import Iterable
from typing import Final, NamedTuple

LARGEST: Final = 16 * 1024
"""Bytes of request line and headers; a bearer token has 47, a JWT 2,000."""

_LONGEST_TARGET: Final = 8000  # bytes of path and query (RFC 9110, section 4.1, asks for as much)
_MOST_HEADERS: Final = 100  # a browser behind two proxies sends some 30

Headers = Iterable[tuple[bytes, bytes]]


class Fault(NamedTuple):
    """What is wrong with a head, as a problem says it."""

    status: int
    code: str
    title: str
    detail: str


MALFORMED: Final = Fault(
    400, "BadRequest", "Not an HTTP request", "the bytes sent are no request of HTTP/1.1"
)
TOO_SLOW: Final = Fault(
    408, "RequestTimeout", "The request came too slowly", "the head of the request did not end"
)
TOO_LARGE: Final = Fault(
    431,
    "RequestHeaderFieldsTooLarge",
    "The head is too large",
    f"request line and headers have more than {LARGEST} bytes",
)
_BODY: Final = Fault(
    413, "ContentTooLarge", "No body is taken here", "send the request without a body"
)
_TARGET: Final = Fault(
    414,
    "UriTooLong",
    "The address is too long",
    f"path and query have more than {_LONGEST_TARGET} bytes",
)
_HEADERS: Final = Fault(
    431, "RequestHeaderFieldsTooLarge", "Too many headers", f"there are more than {_MOST_HEADERS}"
)


def fault(raw_path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]) -> Fault | None:
    """Find the first thing wrong with a head; None if nothing is."""
    if len(raw_path) + len(query) > _LONGEST_TARGET:
        return _TARGET
    if len(headers) > _MOST_HEADERS:
        return _HEADERS
    if has_body(headers):
        return _BODY
    return None


def has_body(headers: Headers) -> bool:
    """Whether a body is announced.

    Nothing here takes one, and whoever disagrees with us about its end could hide a request in it.
    """
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in headers
    )
