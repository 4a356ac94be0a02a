"""The operations of OSS, each a generator of steps: what is sent, and what comes of it."""

from sts_client.objects.operations.copying import copy
from sts_client.objects.operations.deleting import MOST_KEYS, delete_all, delete_many
from sts_client.objects.operations.linking import link
from sts_client.objects.operations.listing import page
from sts_client.objects.operations.multipart import (
    Part,
    abort,
    complete,
    initiate,
    parts,
    upload_part,
)
from sts_client.objects.operations.reading import Opened, exists, get, head
from sts_client.objects.operations.tagging import delete_tags, set_tags, tags
from sts_client.objects.operations.writing import AppendResult, PutResult, append, delete, put

__all__ = [
    "MOST_KEYS",
    "AppendResult",
    "Opened",
    "Part",
    "PutResult",
    "abort",
    "append",
    "complete",
    "copy",
    "delete",
    "delete_all",
    "delete_many",
    "delete_tags",
    "exists",
    "get",
    "head",
    "initiate",
    "link",
    "page",
    "parts",
    "put",
    "set_tags",
    "tags",
    "upload_part",
]
