"""Where leases come from: the vending server, asked over HTTP."""

from sts_client.source.body import bounded
from sts_client.source.origin import check_text, is_loopback, secure_origin
from sts_client.source.route import route_to
from sts_client.source.vending import LeaseSource, Token, VendingServer, Wish

__all__ = [
    "LeaseSource",
    "Token",
    "VendingServer",
    "Wish",
    "bounded",
    "check_text",
    "is_loopback",
    "route_to",
    "secure_origin",
]
