"""Deleting many objects: DeleteMultipleObjects, a thousand at a time."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

from sts_client.errors import UsageError
from sts_client.objects.address import check_key
from sts_client.objects.call import Call
from sts_client.objects.documents import document, element, text
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.payload import Payload
from sts_client.objects.steps import Steps

MOST_KEYS = 1000
"""Keys in one request ("DeleteMultipleObjects")."""


def delete_many(keys: Sequence[str]) -> Steps[None]:
    """DeleteMultipleObjects, of at most `MOST_KEYS`. What is not there counts as deleted."""
    objects = (element("Object", text("Key", check_key(key))) for key in keys)
    body = document("Delete", ("<Quiet>true</Quiet>", *objects))
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    call = Call(
        "POST",
        "",
        query=(("delete", ""),),
        headers={"Content-MD5": digest, "Content-Type": "application/xml"},
        payload=Payload(body),
    )
    answer = yield from exchange(call)
    yield from settle(answer)


def delete_all(keys: Iterable[str]) -> Steps[int]:
    """Delete any number of objects, `MOST_KEYS` at a time; return how many names were given."""
    if isinstance(keys, str | bytes):
        # Else it would be taken for the names that are its letters.
        raise UsageError("keys are a list of names, not one text")
    count = 0
    left = iter(keys)
    while some := list(islice(left, MOST_KEYS)):
        yield from delete_many(some)
        count += len(some)
    return count
