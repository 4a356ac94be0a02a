"""The listing of a bucket: names by prefix, page after page."""

from collections.abc import Iterator

from sts_client.bucket.part import Part
from sts_client.objects import Entry, Folder, listed


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
        return listed(self._objects, prefix, delimiter)
