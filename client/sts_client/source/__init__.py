"""Where leases come from: the vending server, asked over HTTP."""

from sts_client.source.origin import secure_origin
from sts_client.source.vending import LeaseSource, Token, VendingServer, Wish

__all__ = ["LeaseSource", "Token", "VendingServer", "Wish", "secure_origin"]
