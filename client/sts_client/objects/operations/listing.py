"""Listing: ListObjectsV2, a page at a time."""

from sts_client.errors import BadAnswer
from sts_client.objects.call import Call
from sts_client.objects.exchange import exchange
from sts_client.objects.listing import Page, page_of
from sts_client.objects.steps import Steps, present, read
from sts_client.source import check_text

LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes; a thousand keys of the greatest length, all of them encoded, stay well below."""


def page(prefix: str | None, delimiter: str | None = None, token: str | None = None) -> Steps[Page]:
    """ListObjectsV2: one page of at most 1,000 entries; prefix None is the lease's own."""
    for text in (prefix or "", delimiter or "", token or ""):
        check_text(text, what="a prefix or delimiter")
    if prefix is None:
        lease = yield from present()
        prefix = lease.prefix
    query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", "1000")]
    query.append(("prefix", prefix))
    if delimiter:
        query.append(("delimiter", delimiter))
    if token:
        query.append(("continuation-token", token))
    answer = yield from exchange(Call("GET", "", query=query))
    body = yield from read(answer, LARGEST_PAGE + 1)
    if len(body) > LARGEST_PAGE:
        raise BadAnswer("a page of the listing is larger than OSS makes them")
    return page_of(body)
