"""Files and objects, moved as wholes: in parts, verified, resumed, never half."""

from sts_client.transfer.attempts import attempt
from sts_client.transfer.download import (
    Downloaded,
    Landed,
    download,
    fetch,
    fetch_version,
    is_same,
    summed,
)
from sts_client.transfer.landing import landing
from sts_client.transfer.place import Place
from sts_client.transfer.settings import TransferSettings
from sts_client.transfer.upload import upload, upload_open
from sts_client.transfer.workers import Stopped, run_all

__all__ = [
    "Downloaded",
    "Landed",
    "Place",
    "Stopped",
    "TransferSettings",
    "attempt",
    "download",
    "fetch",
    "fetch_version",
    "is_same",
    "landing",
    "run_all",
    "summed",
    "upload",
    "upload_open",
]
