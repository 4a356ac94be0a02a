"""A URL of the HTTP library that says, byte for byte, what ours does."""

from sts_client.aio.transport.library import httpx
from sts_client.errors import UsageError


def exactly(url: str) -> httpx.URL:
    """Return the library's URL for one that is encoded already.

    It resolves dots and encodes what it thinks should be. In ours there is nothing of either, see
    `Address.url`; another object than the one that was signed for must not be asked for.

    Raises:
        UsageError: it would be changed. The URL is not repeated.
    """
    made = httpx.URL(url)
    path = url.partition("://")[2].partition("/")[2]
    if made.raw_path != f"/{path}".encode():
        raise UsageError("this URL cannot be sent as it is: httpx would change it")
    return made
