"""What an exception of the HTTP library means, without its text."""

import ssl

from sts_client.aio.transport.library import httpx
from sts_client.errors import ConnectFailed, NetworkError, TimedOut, TlsFailed

TROUBLE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""All that comes out of the library when a request fails."""


def failure_of(error: BaseException, where: str) -> NetworkError:
    """Return our error for one of the library's, whose text may hold a URL or a header.

    Callers raise it outside of their ``except``: as its context the library's error, which holds
    the request and so a token, would travel along into any report of it.

    Args:
        error: some of `TROUBLE`.
        where: who was asked, for the message: a scheme and a host.
    """
    if isinstance(error, httpx.TimeoutException):
        return TimedOut.at(where)
    if isinstance(error, httpx.ProxyError):
        return ConnectFailed.by_proxy(where)
    return TlsFailed.at(where) if _is_tls(error) else ConnectFailed.at(where)


def _is_tls(error: BaseException) -> bool:
    """Look for what the library has wrapped, twice."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLError):
            return True
        inner = inner.__cause__ or inner.__context__
    return False
