"""How far a lease reaches, as folders: from paths to keys, and what leads to its prefix. Pure."""

import errno
from dataclasses import dataclass

from sts_client.credentials import Lease


@dataclass(frozen=True, slots=True)
class Reach:
    """One bucket, and what of it a lease covers.

    Attributes:
        bucket: its name, the first part of each path.
        prefix: a folder ending in ``/``, or one object, or "" for all.
    """

    bucket: str
    prefix: str

    @staticmethod
    def of(lease: Lease) -> "Reach":
        """Return how far a lease reaches."""
        return Reach(lease.bucket, lease.prefix)

    def key_of(self, path: str) -> str:
        """Return the key that a path ``bucket/key`` stands for, "" for the bucket itself.

        Raises:
            PermissionError: the path names another bucket. Not taken for this one, not asked for.
        """
        bucket, _, key = path.partition("/")
        if bucket != self.bucket:
            raise PermissionError(
                errno.EACCES, f"the grant opens the bucket {self.bucket!r} and no other", path
            )
        return key

    def path_of(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.bucket}/{key}" if key else self.bucket

    def contains_as_folder(self, folder: str) -> bool:
        """Return whether a folder, "" or ending in ``/``, is on the way to the prefix, or is it."""
        return self.prefix.startswith(folder)

    def next_on_the_way(self, folder: str) -> str | None:
        """Return what is next on the way from a folder to the prefix: it alone may be seen there.

        None where the folder is no longer on the way, but there.
        """
        if not self.contains_as_folder(folder) or folder == self.prefix:
            return None
        step, slash, _ = self.prefix[len(folder) :].partition("/")
        return folder + step + slash

    def single(self) -> str | None:
        """Return the key of the one object that is covered, None where it is a folder."""
        return self.prefix if self.prefix and not self.prefix.endswith("/") else None

    def is_on_the_way(self, path: str) -> bool:
        """Return whether a path is a folder above what is covered."""
        key = self.key_of(path) if path else ""
        return self.contains_as_folder(f"{key}/" if key else "")
