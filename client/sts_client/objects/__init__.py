"""Single requests on the objects of one bucket, signed with whatever lease is present."""

from sts_client.objects.address import check_key
from sts_client.objects.byte_range import ByteRange
from sts_client.objects.head import Head, NotModified
from sts_client.objects.listing import Entry, Folder, Page
from sts_client.objects.operations import PutResult
from sts_client.objects.payload import Data
from sts_client.objects.put_headers import put_headers, refuse_conditions
from sts_client.objects.reading import Object
from sts_client.objects.service import Objects

__all__ = [
    "ByteRange",
    "Data",
    "Entry",
    "Folder",
    "Head",
    "NotModified",
    "Object",
    "Objects",
    "Page",
    "PutResult",
    "check_key",
    "put_headers",
    "refuse_conditions",
]
