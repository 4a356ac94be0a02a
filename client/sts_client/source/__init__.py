"""Where leases come from: the vending server, asked over HTTP."""

from sts_client.credentials import LeaseSource
from sts_client.source.body import bounded
from sts_client.source.fallbacks import Fallbacks
from sts_client.source.origin import check_text, is_loopback, secure_origin
from sts_client.source.route import route_to
from sts_client.source.token import Token, TokenFile, TokenVariable
from sts_client.source.vending import VendingServer
from sts_client.source.wish import Wish

__all__ = [
    "Fallbacks",
    "LeaseSource",
    "Token",
    "TokenFile",
    "TokenVariable",
    "VendingServer",
    "Wish",
    "bounded",
    "check_text",
    "is_loopback",
    "route_to",
    "secure_origin",
]
