"""Files and objects, moved as wholes: in parts, verified, resumed, never half."""

from sts_client.transfer.download import Downloaded, download, fetch, is_same
from sts_client.transfer.landing import landing
from sts_client.transfer.settings import TransferSettings
from sts_client.transfer.upload import upload

__all__ = [
    "Downloaded",
    "TransferSettings",
    "download",
    "fetch",
    "is_same",
    "landing",
    "upload",
]
