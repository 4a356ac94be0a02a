"""The cache: asks OSS each time, and reads from the disk what is still the same.

Nothing is handed out that OSS has not been asked about just now, with the lease of whoever asks:
where their right has ended there is no 304, and so no bytes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from fastcrc import crc64

from sts_client.errors import NetworkError, NoSuchKey, ObjectChanged, TransferError, UsageError
from sts_client.object_cache.reading import CachedObject
from sts_client.object_cache.shelf import Shelf
from sts_client.objects import Head, NotModified, Object, Objects
from sts_client.objects.steps import present
from sts_client.transfer import TransferSettings, attempt, fetch, summed

_ROUNDS = 3


class CachedObjects:
    """The objects of a bucket, with a folder of those that were read lately.

    Safe to share between threads, and the folder between processes of one user. Files in it are
    checked by their CRC-64 before they are read, and fetched anew when they are damaged.

    Args:
        objects: of the bucket.
        folder: made if it is not there.
        max_bytes: that is kept; what is used longest ago goes first. While an object comes there
            may be so much more.
        settings: of large objects, which come in parts.

    Raises:
        UsageError: the folder cannot be used or is open to others, or there is no room in it.
    """

    def __init__(
        self,
        objects: Objects,
        folder: str | os.PathLike[str],
        *,
        max_bytes: int,
        settings: TransferSettings,
    ) -> None:
        if max_bytes < 1:
            raise UsageError("max_bytes is a number of bytes, at least 1")
        self._objects = objects
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._settings = settings
        self._shelf = Shelf(self._folder, max_bytes)

    def __repr__(self) -> str:
        return f"CachedObjects({str(self._folder)!r}, max_bytes={self._max_bytes})"

    def get(self, key: str) -> CachedObject | Object:
        """Read an object: from the disk if OSS says that it is the same, else from OSS.

        What is larger than the whole cache, or finds no room on the disk, is an `Object`, read from
        OSS as it comes; both are read in the same way.

        Raises:
            NoSuchKey: there is no such object; what was kept of it is removed.
            AccessDenied: the lease does not reach it, be it kept or not.
            UsageError: the folder or a file in it is open to others.
        """
        for round_ in range(1, _ROUNDS + 1):
            try:
                return self._get(key)
            except ObjectChanged:
                if round_ == _ROUNDS:
                    raise
        raise AssertionError("unreachable")

    def _get(self, key: str) -> CachedObject | Object:
        lease = self._objects.run(present())
        place = self._shelf.place((lease.endpoint, lease.bucket), key)
        kept = self._shelf.open(place, key)
        try:
            asked = {"If-None-Match": kept[1].etag} if kept is not None and kept[1].etag else {}
            answer = self._ask(key, asked)
            if isinstance(answer, NotModified):
                if kept is not None and answer.etag in ("", kept[1].etag) and _is_whole(*kept):
                    handle, head = kept
                    kept = None
                    os.utime(handle)
                    return CachedObject(head, handle, came=False)
                answer = self._ask(key, {})
        except NoSuchKey:
            self._shelf.drop(place)
            raise
        finally:
            if kept is not None:
                os.close(kept[0])
        assert isinstance(answer, Object)  # noqa: S101 - no condition asks for a 304
        return self._keep(answer, place)

    def _ask(self, key: str, headers: Mapping[str, str]) -> Object | NotModified:
        # Again after what may pass: a small body is read, and so may break off, in there.
        return attempt(lambda: self._objects.get(key, headers), self._settings.wait)

    def _keep(self, answer: Object, place: Path) -> CachedObject | Object:
        head = answer.head
        if head.size > self._max_bytes:
            return answer
        try:
            with answer, self._shelf.begun() as path:
                crc = self._bring(answer, path)
                handle = self._shelf.keep(path, place, head, crc)
        except OSError:
            # A full disk costs a request, not the object.
            again = self._ask(head.key, {})
            assert isinstance(again, Object)  # noqa: S101 - no condition asks for a 304
            return again
        return CachedObject(head, handle, came=True)

    def _bring(self, answer: Object, path: Path) -> int:
        """Write an object to a file, checked; return its CRC-64."""
        if answer.size <= self._settings.part_size:
            crc = came = 0
            try:
                with path.open("wb") as file:
                    for chunk in answer:
                        file.write(chunk)
                        crc = crc64.xz(chunk, crc)
                        came += len(chunk)
                        self._settings.on_progress(len(chunk))
            except (NetworkError, TransferError):
                self._settings.on_progress(-came)  # fetched again, from its first byte
            else:
                return crc
        answer.close()
        landed = fetch(self._objects, answer.head, path, self._settings)
        if landed.head.crc64 is not None:
            return landed.head.crc64
        with path.open("rb") as file:
            return summed(file.fileno())


def _is_whole(handle: int, head: Head) -> bool:
    """Return whether a kept file's bytes are those that came; go to the first of them."""
    crc, left = 0, head.size
    os.lseek(handle, 0, os.SEEK_SET)
    while left and (piece := os.read(handle, min(left, 1024 * 1024))):
        crc = crc64.xz(piece, crc)
        left -= len(piece)
    os.lseek(handle, 0, os.SEEK_SET)
    return not left and crc == head.crc64
