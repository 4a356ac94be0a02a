"""The listing of a bucket: names by prefix, page after page."""

from collections.abc import Iterator

from sts_client.bucket.part import Part
from sts_client.errors import BadAnswer
from sts_client.objects import Entry, Folder, operations


class Listing(Part):
    """What a bucket holds."""

    def list(
        self, prefix: str | None = None, *, delimiter: str | None = None
    ) -> Iterator[Entry | Folder]:
        """Yield what a prefix holds, by name; each page is fetched when it is reached.

        >>> for entry in bucket.list("users/alice/"):
        ...     print(entry.key, entry.size)
        users/alice/report.csv 7

        Args:
            prefix: how names begin, or None for the lease's own prefix.
            delimiter: such as ``/``: names that go on behind it are one `Folder`.
        """
        token = None
        seen: set[str] = set()
        while True:
            page = self._objects.run(operations.page(prefix, delimiter, token))
            yield from page.entries
            token = page.next_token
            if token is None:
                return
            if token in seen:
                raise BadAnswer("the listing goes in a circle: check the endpoint")
            seen.add(token)
