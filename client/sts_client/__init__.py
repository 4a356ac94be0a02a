"""Reads and writes objects in OSS with short-lived credentials that it keeps fresh."""

from sts_client import errors
from sts_client.bucket import Bucket, connect
from sts_client.credentials import Credentials, Lease
from sts_client.errors import (
    AccessDenied,
    FileAlreadyExists,
    NoSuchKey,
    PreconditionFailed,
    StsClientError,
)
from sts_client.mirror import Issue, Report
from sts_client.object_cache import CachedObject, CachedObjects
from sts_client.objects import (
    AppendResult,
    Entry,
    Folder,
    Head,
    NotModified,
    Object,
    PutResult,
    SignedUrl,
)
from sts_client.provider import Provider, Refresh, leases_from
from sts_client.source import LeaseSource, TokenFile, TokenVariable, VendingServer, Wish
from sts_client.transfer import Downloaded, TransferSettings

__all__ = [
    "AccessDenied",
    "AppendResult",
    "Bucket",
    "CachedObject",
    "CachedObjects",
    "Credentials",
    "Downloaded",
    "Entry",
    "FileAlreadyExists",
    "Folder",
    "Head",
    "Issue",
    "Lease",
    "LeaseSource",
    "NoSuchKey",
    "NotModified",
    "Object",
    "PreconditionFailed",
    "Provider",
    "PutResult",
    "Refresh",
    "Report",
    "SignedUrl",
    "StsClientError",
    "TokenFile",
    "TokenVariable",
    "TransferSettings",
    "VendingServer",
    "Wish",
    "connect",
    "errors",
    "leases_from",
]
