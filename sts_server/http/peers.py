"""Peers: under which name the other end of a connection is counted, if it is."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_HOME: Final = 64
"""Bits of an IPv6 address that one customer is given: whoever has one has all below it."""


class Peers:
    """Names peers by address. A proxy stands for many, so it is nobody to be counted."""

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        """Take the networks of the proxies, such as `127.0.0.0/8`."""
        self._proxies = tuple(ipaddress.ip_network(proxy) for proxy in proxies)
        # Reading an address takes longer than all else that is done to count it.
        self.name = lru_cache(maxsize=4096)(self._name)

    def _name(self, peer: str) -> str | None:
        """Name a peer: by its IPv4 address or its IPv6 network of 64 bits; None for a proxy."""
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return peer
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in proxy for proxy in self._proxies):
            return None
        if address.version == 4:  # noqa: PLR2004 - there is IPv4, and there is IPv6
            return str(address)
        return str(ipaddress.ip_network((int(address), _HOME), strict=False))
