"""Tags of one object: PutObjectTagging, GetObjectTagging, DeleteObjectTagging."""

from collections.abc import Mapping

from sts_client.errors import UsageError
from sts_client.objects.address import check_key
from sts_client.objects.call import NO_CONTENT, OK, Call
from sts_client.objects.documents import document, element, found, parsed, text
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.payload import Payload
from sts_client.objects.refusal import LARGEST_BODY
from sts_client.objects.steps import Steps, read

MOST_TAGS = 10
"""Of one object ("PutObjectTagging")."""

_TAGGING = (("tagging", ""),)


def set_tags(key: str, tags: Mapping[str, str]) -> Steps[None]:
    """PutObjectTagging: these replace all that were there."""
    if len(tags) > MOST_TAGS:
        raise UsageError(f"an object has at most {MOST_TAGS} tags")
    each = (element("Tag", text("Key", name), text("Value", value)) for name, value in tags.items())
    call = Call(
        "PUT",
        check_key(key),
        query=_TAGGING,
        headers={"Content-Type": "application/xml"},
        payload=Payload(document("Tagging", (element("TagSet", *each),))),
    )
    answer = yield from exchange(call)
    yield from settle(answer)


def tags(key: str) -> Steps[dict[str, str]]:
    """GetObjectTagging."""
    call = Call("GET", check_key(key), query=_TAGGING)
    answer = yield from exchange(call)
    body = yield from read(answer, LARGEST_BODY)
    return {
        found(tag, "Key", str(call)): found(tag, "Value", str(call))
        for tag in parsed(body, "Tagging", str(call)).iter("Tag")
    }


def delete_tags(key: str) -> Steps[None]:
    """DeleteObjectTagging."""
    call = Call("DELETE", check_key(key), frozenset({OK, NO_CONTENT}), query=_TAGGING)
    answer = yield from exchange(call)
    yield from settle(answer)
