"""The cache of a bucket: what was read lately is kept on disk, and asked about each time."""

import os

from sts_client.bucket.part import Part
from sts_client.object_cache import CachedObjects
from sts_client.transfer import TransferSettings

_USUAL = TransferSettings()
_GIB = 1024**3


class Caching(Part):
    """What a bucket can keep."""

    def cached(
        self,
        directory: str | os.PathLike[str],
        *,
        max_bytes: int = _GIB,
        settings: TransferSettings = _USUAL,
    ) -> CachedObjects:
        """Return a reader that keeps what it reads in a folder.

        Each `get` of it asks OSS, with the ETag of what is kept; after a 304 the bytes come from
        the disk. So nobody reads there what their own lease does not reach any more.

        Args:
            directory: for its owner alone; made so if it is not there, refused if it is not so.
            max_bytes: that is kept; what was used longest ago goes first.
            settings: of large objects, which come in parts.

        Raises:
            UsageError: the folder cannot be used, or is open to others.
        """
        return CachedObjects(self._objects, directory, max_bytes=max_bytes, settings=settings)
