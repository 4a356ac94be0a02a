"""A whole listing: page after page, each fetched when it is reached."""

from collections.abc import Iterator

from sts_client.errors import BadAnswer
from sts_client.objects import operations
from sts_client.objects.listing import Entry, Folder
from sts_client.objects.service import Objects


def listed(
    objects: Objects, prefix: str | None, delimiter: str | None = None
) -> Iterator[Entry | Folder]:
    """Yield what a prefix holds, by name; None stands for the lease's own prefix."""
    token = None
    seen: set[str] = set()
    while True:
        page = objects.run(operations.page(prefix, delimiter, token))
        yield from page.entries
        token = page.next_token
        if token is None:
            return
        if token in seen:
            raise BadAnswer("the listing goes in a circle: check the endpoint")
        seen.add(token)
