"""Single requests on the objects of one bucket, signed with whatever lease is present."""

from sts_client.objects import operations
from sts_client.objects.address import check_key
from sts_client.objects.byte_range import ByteRange
from sts_client.objects.head import Head, NotModified
from sts_client.objects.listed import listed
from sts_client.objects.listing import Entry, Folder, Page, Walk
from sts_client.objects.operations import AppendResult, PutResult
from sts_client.objects.payload import Data, Payload
from sts_client.objects.put_headers import (
    copy_headers,
    guessed_type,
    put_headers,
    refuse_conditions,
)
from sts_client.objects.reading import Object
from sts_client.objects.refusal import STALE_LEASE
from sts_client.objects.service import Objects, wait
from sts_client.objects.signed_url import SignedUrl, saved_as

__all__ = [
    "STALE_LEASE",
    "AppendResult",
    "ByteRange",
    "Data",
    "Entry",
    "Folder",
    "Head",
    "NotModified",
    "Object",
    "Objects",
    "Page",
    "Payload",
    "PutResult",
    "SignedUrl",
    "Walk",
    "check_key",
    "copy_headers",
    "guessed_type",
    "listed",
    "operations",
    "put_headers",
    "refuse_conditions",
    "saved_as",
    "wait",
]
