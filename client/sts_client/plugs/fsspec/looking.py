"""Looks at files and folders: what is there, how large it is, in which version."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

from fsspec.spec import AbstractFileSystem

from sts_client.bucket import Bucket
from sts_client.errors import AccessDenied, NoSuchKey
from sts_client.objects import Entry
from sts_client.plugs.fsspec.failures import as_os_errors
from sts_client.plugs.fsspec.reach import Reach

Info = dict[str, Any]
"""``name``, ``size`` in bytes, ``type``; a file also has ``ETag``, ``LastModified``, ``mtime``."""


class Looking(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """What can be seen. Nothing of it is remembered: each look asks OSS.

    Folders are what names suggest. Those above the lease's prefix, which OSS would not list, show
    the way there and nothing else.
    """

    bucket: Bucket

    def _reach(self) -> Reach:
        return Reach.of(self.bucket.provider.lease())

    def info(self, path: str, **_options: Any) -> Info:
        """Say what is at a path.

        Raises:
            FileNotFoundError: nothing.
            PermissionError: the grant does not cover it, so who knows.
        """
        path = self._strip_protocol(path)
        if not path:
            return _folder("")
        with as_os_errors(path):
            reach = self._reach()
            key = reach.key_of(path)
            if not key or (reach.contains_as_folder(f"{key}/")):
                return _folder(path)
            try:
                head = self.bucket.head(key)
            except NoSuchKey:
                if self._is_folder(key):
                    return _folder(path)
                raise
            return _file(path, head.size, head.etag, head.last_modified)

    def _is_folder(self, key: str) -> bool:
        try:
            return next(self.bucket.list(f"{key}/", delimiter="/"), None) is not None
        except AccessDenied:
            # It is no file, and whoever may not list has no folders.
            return False

    def ls(self, path: str, detail: bool = True, **_options: Any) -> Any:
        """List a folder, or the file itself; names with an empty part only `find` can show."""
        path = self._strip_protocol(path)
        with as_os_errors(path):
            found = self._listed(path)
        return found if detail else [info["name"] for info in found]

    def _listed(self, path: str) -> list[Info]:
        reach = self._reach()
        if not path:
            return [_folder(reach.bucket)]
        key = reach.key_of(path)
        folder = f"{key}/" if key else ""
        step = reach.next_on_the_way(folder)
        if step is not None:
            if step.endswith("/"):
                return [_folder(reach.path_of(step.rstrip("/")))]
            return [self.info(reach.path_of(step))] if self.exists(reach.path_of(step)) else []
        if reach.prefix == key and key:
            return [self.info(path)]
        entries = list(self.bucket.list(folder, delimiter="/"))
        if not entries and folder != reach.prefix:
            return [self.info(path)]
        found = []
        for entry in entries:
            if isinstance(entry, Entry):
                # A folder may have an object of its own, as consoles make them.
                found += [_entry(reach, entry)] if entry.key != folder else []
            elif not entry.prefix.endswith("//"):
                found.append(_folder(reach.path_of(entry.prefix.rstrip("/"))))
        return found

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **options: Any,
    ) -> Any:
        """Find all files below a path: as one listing, however deep they are."""
        if maxdepth is not None:
            return super().find(path, maxdepth, withdirs, detail, **options)
        path = self._strip_protocol(path)
        with as_os_errors(path):
            found = {info["name"]: info for info in self._below(path, withdirs=withdirs)}
        if not found and self.isfile(path):
            found[path] = self.info(path)
        return dict(sorted(found.items())) if detail else sorted(found)

    def _below(self, path: str, *, withdirs: bool) -> Iterator[Info]:
        reach = self._reach()
        if withdirs and self.isdir(path):
            yield _folder(path)
        single = reach.single()
        if single is not None and reach.is_on_the_way(path):
            with suppress(FileNotFoundError):
                yield self.info(reach.path_of(single))
        for entry in self._entries(path, reach):
            if withdirs:
                yield from (_folder(name) for name in _folders(reach.path_of(entry.key), path))
            if not entry.key.endswith("/"):
                yield _entry(reach, entry)

    def _entries(self, path: str, reach: Reach) -> Iterator[Entry]:
        """Yield all objects below a path, those included that only stand for folders."""
        key = reach.key_of(path) if path else ""
        folder = f"{key}/" if key else ""
        if reach.single() is not None:
            return
        if reach.contains_as_folder(folder):
            folder = reach.prefix
        for entry in self.bucket.list(folder):
            if isinstance(entry, Entry):
                yield entry

    def exists(self, path: str, **_options: Any) -> bool:
        """Return whether there is something; where nobody can know, that is raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        """Return whether there is a file; where nobody can know, that is raised."""
        try:
            return bool(self.info(path)["type"] == "file")
        except FileNotFoundError:
            return False

    def isdir(self, path: str) -> bool:
        """Return whether there is a folder, as far as this grant can see."""
        try:
            return bool(self.info(path)["type"] == "directory")
        except (FileNotFoundError, PermissionError):
            return False

    def modified(self, path: str) -> datetime:
        """Return when a file was last written; aware, to the second."""
        modified = self.info(path).get("LastModified")
        if modified is None:
            raise IsADirectoryError(path)
        found: datetime = modified
        return found

    def created(self, path: str) -> datetime:
        """Return when a file was last written: OSS makes a new object each time."""
        return self.modified(path)

    def ukey(self, path: str) -> str:
        """Return what changes when the file does: a hash of its entity tag and size."""
        info = self.info(path)
        return sha256(repr((info["type"], info.get("ETag"), info["size"])).encode()).hexdigest()

    def checksum(self, path: str) -> int:
        """Return the same as a number."""
        return int(self.ukey(path), 16)


def _folder(path: str) -> Info:
    return {"name": path, "size": 0, "type": "directory"}


def _file(path: str, size: int, etag: str, modified: datetime | None) -> Info:
    return {
        "name": path,
        "size": size,
        "type": "file",
        "ETag": etag,
        "LastModified": modified,
        "mtime": None if modified is None else modified.timestamp(),
    }


def _entry(reach: Reach, entry: Entry) -> Info:
    return _file(reach.path_of(entry.key), entry.size, entry.etag, entry.last_modified)


def _folders(path: str, root: str) -> Iterator[str]:
    """Yield the folders that a path goes through below a root."""
    parts = path.split("/")
    for count in range(len(root.split("/")) + 1 if root else 1, len(parts)):
        yield "/".join(parts[:count])
