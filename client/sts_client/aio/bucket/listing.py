"""The listing of a bucket: names by prefix, page after page."""

from collections.abc import AsyncIterator

from sts_client.aio.bucket.part import Part
from sts_client.objects import Entry, Folder, Walk, operations


class Listing(Part):
    """What a bucket holds."""

    async def list(
        self, prefix: str | None = None, *, delimiter: str | None = None
    ) -> AsyncIterator[Entry | Folder]:
        """Yield what a prefix holds, by name; each page is fetched when it is reached.

        Args:
            prefix: how names begin, or None for the lease's own prefix.
            delimiter: such as ``/``: names that go on behind it are one `Folder`.
        """
        walk = Walk()
        while not walk.ended:
            page = await self._objects.run(operations.page(prefix, delimiter, walk.token))
            for entry in page.entries:
                yield entry
            walk.turn(page)
