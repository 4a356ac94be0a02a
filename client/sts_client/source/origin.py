"""Which addresses may see a secret: https, and http where it does not leave the machine."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from sts_client.errors import UsageError

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def secure_origin(address: str, *, what: str, allow_http: bool = False) -> SplitResult:
    """Split an address whose host may be told a secret.

    Args:
        address: ``https://host``, perhaps with a port and a path.
        what: the address's role, for the message.
        allow_http: also accept ``http://`` to other machines; a network tap then reads secrets.

    Raises:
        UsageError: not such an address, or ``http://`` to another machine. The address is not
            repeated, since it may hold a password.
    """
    check_text(address, what=what)
    parts = _split(address)
    if parts is None:
        raise UsageError(f"{what} is not a URL such as https://sts.example.com")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
    if parts.scheme not in {"https", "http"} or not _HOST.fullmatch(host) or parts.port == 0:
        raise UsageError(f"{what} must be a URL such as https://sts.example.com")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{what} must not hold a user name or password")
    if parts.query or parts.fragment:
        raise UsageError(f"{what} must not hold a query or a fragment")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise UsageError(
            f"{what} is http:// to another machine, where secrets would be readable on the way: "
            f"use https://, or say allow_http=True if that is meant"
        )
    return parts


def _split(address: str) -> SplitResult | None:
    # No error leaves from here: urllib's repeats what it does not understand, perhaps a password.
    try:
        parts = urlsplit(address)
        _ = parts.port  # is understood only now
    except ValueError:
        return None
    return parts


def check_text(text: object, *, what: str) -> None:
    """Raise `UsageError` for what is no text, or no text that UTF-8 can say."""
    if not isinstance(text, str) or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{what} must be text without halves of surrogate pairs")


def is_loopback(host: str) -> bool:
    """Return whether a host is literally this machine; no name is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
