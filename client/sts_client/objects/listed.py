"""A whole listing: page after page, each fetched when it is reached."""

from collections.abc import Iterator

from sts_client.objects import operations
from sts_client.objects.listing import Entry, Folder, Walk
from sts_client.objects.service import Objects


def listed(
    objects: Objects, prefix: str | None, delimiter: str | None = None
) -> Iterator[Entry | Folder]:
    """Yield what a prefix holds, by name; None stands for the lease's own prefix."""
    walk = Walk()
    while not walk.ended:
        page = objects.run(operations.page(prefix, delimiter, walk.token))
        yield from page.entries
        walk.turn(page)
