"""Where leases come from: the vending server, asked over HTTP."""

from sts_client.credentials import LeaseSource
from sts_client.source.body import bounded
from sts_client.source.fallbacks import Fallbacks, Turns
from sts_client.source.origin import check_text, is_loopback, secure_origin
from sts_client.source.question import LARGEST_ANSWER, Question
from sts_client.source.route import route_to
from sts_client.source.token import (
    Token,
    TokenFile,
    TokenVariable,
    blamed,
    checked,
    present,
    refuse_secret,
)
from sts_client.source.vending import VendingServer
from sts_client.source.wish import Wish

__all__ = [
    "LARGEST_ANSWER",
    "Fallbacks",
    "LeaseSource",
    "Question",
    "Token",
    "TokenFile",
    "TokenVariable",
    "Turns",
    "VendingServer",
    "Wish",
    "blamed",
    "bounded",
    "check_text",
    "checked",
    "is_loopback",
    "present",
    "refuse_secret",
    "route_to",
    "secure_origin",
]
