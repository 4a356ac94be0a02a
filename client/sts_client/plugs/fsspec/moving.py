"""Moves bytes without opening a file: cat and pipe, copies, deletions, whole files from and to."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import isfilelike

from sts_client.errors import NoSuchKey
from sts_client.plugs.fsspec.failures import as_os_errors
from sts_client.plugs.fsspec.looking import Looking
from sts_client.plugs.fsspec.reading import fetched
from sts_client.transfer import TransferSettings

THREADS = 8
"""Ranges that `cat_ranges` fetches at a time."""


class Moving(Looking):
    """What can be done with objects as a whole, or with pieces of them."""

    def cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        etag: str | None = None,
        **_options: Any,
    ) -> bytes:
        """Return the bytes of a file, or of a slice of it.

        The CRC-64 of a whole file is compared with OSS's.

        Args:
            path: bucket and key.
            start: first byte; counted from the end if negative.
            end: the byte behind the last; the same.
            etag: of the version to read: another one raises `OSError` with ``errno.ESTALE``.
        """
        return self._piece(path, start, end, etag)[0]

    def _piece(
        self, path: str, start: int | None, end: int | None, etag: str | None
    ) -> tuple[bytes, str | None]:
        path = self._strip_protocol(path)
        with as_os_errors(path):
            key = self._reach().key_of(path)
            if (start or 0) < 0 or (end or 0) < 0:
                head = self.bucket.head(key, if_match=etag)
                etag = head.etag
                start, end, _ = slice(start, end).indices(head.size)
            if start is None and end is None:
                return fetched(self.bucket, key, None, etag)
            first = start or 0
            if end is not None and end <= first:
                return b"", etag
            return fetched(self.bucket, key, (first, None if end is None else end - 1), etag)

    def cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **_options: Any,
    ) -> list[Any]:
        """Return slices of files, some at a time; those of one file are of one version of it.

        Args:
            paths: of files.
            starts: a first byte for each, or one for all.
            ends: likewise the byte behind the last.
            max_gap: not known here.
            on_error: ``return`` puts an error where its bytes would be, else it is raised.
        """
        if max_gap is not None:
            raise NotImplementedError("max_gap")
        count = len(paths)
        firsts = _for_each(starts, count)
        lasts = _for_each(ends, count)
        found: list[Any] = [None] * count
        versions: dict[str, str | None] = {}

        def fetch(place: int) -> None:
            path = paths[place]
            try:
                found[place], etag = self._piece(
                    path, firsts[place], lasts[place], versions.get(path)
                )
                if etag:
                    versions.setdefault(path, etag)
            except Exception as error:  # noqa: BLE001 - returned, or raised below
                found[place] = error

        # The first of each file tells the version that the others have to be of.
        leading = list({path: place for place, path in reversed(list(enumerate(paths)))}.values())
        others = sorted(set(range(count)) - set(leading))
        with ThreadPoolExecutor(THREADS) as threads:
            for places in (leading, others):
                list(threads.map(fetch, places))
        if on_error != "return":
            for each in found:
                if isinstance(each, Exception):
                    raise each
        return found

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Write a file at once; with mode ``create`` only if there is none, for certain."""
        path = self._strip_protocol(path)
        if self._intrans:
            with self.open(path, "xb" if mode == "create" else "wb", **options) as file:
                file.write(value)
            return
        with as_os_errors(path):
            key = self._reach().key_of(path)
            self.bucket.put(key, value, forbid_overwrite=mode == "create", **options)

    def cp_file(self, path1: str, path2: str, **_options: Any) -> None:
        """Copy a file within the bucket; no byte comes through here."""
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        with as_os_errors(path1):
            reach = self._reach()
            source, key = reach.key_of(path1), reach.key_of(path2)
            if not source:
                return  # a folder, of which there is nothing to copy
            try:
                self.bucket.copy(source, key)
            except NoSuchKey:
                if not self._is_folder(source):
                    raise

    def rm_file(self, path: str) -> None:
        """Delete a file. One that is not there is no error."""
        path = self._strip_protocol(path)
        with as_os_errors(path):
            self.bucket.delete(self._reach().key_of(path))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, and with `recursive` all below them; patterns are as for `glob`.

        Raises:
            FileNotFoundError: with `recursive`, where there is nothing.
        """
        if not recursive or maxdepth is not None:
            for found in self.expand_path(path, recursive=recursive, maxdepth=maxdepth):
                self.rm_file(found)
            return
        for root in self.expand_path(path):
            with as_os_errors(root):
                reach = self._reach()
                keys = [entry.key for entry in self._entries(root, reach)]
                if reach.key_of(root) and self.isfile(root):
                    keys.append(reach.key_of(root))
                if not keys:
                    self.info(root)
                self.bucket.delete_many(keys)

    def get_file(
        self,
        rpath: str,
        lpath: Any = None,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        **_options: Any,
    ) -> None:
        """Bring a file here, as `sts_client.Bucket.download` does: whole, or not at all.

        Raises:
            ValueError: the key has a part ``.`` or ``..``, from which a path here is not made.
        """
        if outfile is None and isfilelike(lpath):
            outfile = lpath
        path = self._strip_protocol(rpath)
        if outfile is None and {".", ".."} & set(path.split("/")):
            raise ValueError(f"no path is made of a name with . or .. in it: {path!r}")
        with as_os_errors(path):
            reach = self._reach()
            key = reach.key_of(path)
            try:
                if reach.is_on_the_way(path):
                    self._get_folder(lpath)
                elif outfile is None:
                    Path(lpath).parent.mkdir(parents=True, exist_ok=True)
                    self.bucket.download(key, lpath, settings=_settings(callback))
                else:
                    self._get_into(key, outfile, callback)
            except NoSuchKey:
                if not self._is_folder(key):
                    raise
                self._get_folder(lpath)

    def _get_folder(self, lpath: Any) -> None:
        """Make a folder: there is only its name to bring."""
        if lpath is not None and not isfilelike(lpath):
            Path(lpath).mkdir(parents=True, exist_ok=True)

    def _get_into(self, key: str, outfile: Any, callback: Any) -> None:
        with self.bucket.get(key) as found:
            callback.set_size(found.size)
            for chunk in found:
                outfile.write(chunk)
                callback.relative_update(len(chunk))

    def put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        **options: Any,
    ) -> None:
        """Send a file there, as `sts_client.Bucket.upload` does: whole, or not at all.

        With mode ``create`` only if there is none, for certain.
        """
        create = mode == "create"
        if self._intrans:
            super().put_file(lpath, rpath, callback=callback, forbid_overwrite=create, **options)
            return
        if Path(lpath).is_dir():
            return
        path = self._strip_protocol(rpath)
        with as_os_errors(path):
            key = self._reach().key_of(path)
            callback.set_size(Path(lpath).stat().st_size)
            self.bucket.upload(
                lpath, key, forbid_overwrite=create, settings=_settings(callback), **options
            )


def _settings(callback: Any) -> TransferSettings:
    lock = Lock()

    def tell(count: int) -> None:
        with lock:  # fsspec counts without one
            callback.relative_update(count)

    return TransferSettings(on_progress=tell)


def _for_each(given: Any, count: int) -> Sequence[int | None]:
    found: Sequence[int | None] = given if isinstance(given, list) else [given] * count
    if len(found) != count:
        raise ValueError("starts and ends must be as many as there are paths")
    return found
