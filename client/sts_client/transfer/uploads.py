"""Uploads that are under way: noted on disk, so that another process can take one up."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from sts_client.objects.operations import Part


class Note:
    """What is known of one upload.

    Attributes:
        upload_id: of the upload, "" as long as there is none.
        parts: those that OSS has confirmed.
    """

    def __init__(self, handle: int | None, path: Path | None, terms: dict[str, object]) -> None:
        self._handle = handle
        self._path = path
        self._terms = terms
        self._lock = Lock()
        self.upload_id = ""
        self.parts: dict[int, Part] = {}
        self._read()

    @property
    def lasting(self) -> bool:
        """Whether it is on disk: else an upload that fails is nobody's to take up."""
        return self._handle is not None

    def begin(self, upload_id: str) -> None:
        """Note a new upload; nothing is known of its parts."""
        self.upload_id = upload_id
        self.parts = {}
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
        self._write({**self._terms, "upload_id": upload_id})

    def confirm(self, part: Part) -> None:
        """Note a part that OSS has."""
        with self._lock:
            self.parts[part.number] = part
            self._write({"number": part.number, "etag": part.etag, "crc64": part.crc64})

    def forget(self) -> None:
        """Remove the note: the upload has ended."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, what: dict[str, object]) -> None:
        if self._handle is not None:
            # In one piece at the end (O_APPEND), so that none but the last line can be torn.
            os.write(self._handle, f"{json.dumps(what)}\n".encode())

    def _read(self) -> None:
        if self._handle is None:
            return
        size = os.fstat(self._handle).st_size
        with suppress(ValueError, TypeError, KeyError):
            first, *lines = os.pread(self._handle, size, 0).decode().splitlines() or [""]
            terms = json.loads(first)
            upload_id = str(terms.pop("upload_id"))
            if terms != self._terms:
                return
            self.upload_id = upload_id
            for line in lines:
                it = json.loads(line)
                number = int(it["number"])
                self.parts[number] = Part(number, str(it["etag"]), 0, int(it["crc64"]))


@contextmanager
def noted(folder: Path | None, key: str, terms: dict[str, object]) -> Iterator[Note]:
    """Open the note of an upload.

    Args:
        folder: where notes are, or None for one in memory.
        key: what is uploaded.
        terms: all that has to be the same for an upload to be taken up.

    Raises:
        OSError: the folder cannot be used, or another process is at the same upload.
    """
    if folder is None:
        yield Note(None, None, terms)
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256(json.dumps([key, terms.get("file")]).encode()).hexdigest()[:32]
    path = folder / f"{name}.upload"
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = "another process is uploading this file to this object"
            raise OSError(errno.EBUSY, busy, str(path)) from None
        try:
            yield Note(handle, path, terms)
        finally:
            # By name: a forked child may hold a copy, which closing ours would leave locked.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)
