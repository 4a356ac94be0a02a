"""Writes files: a small one is one put, a large one an upload in parts; all of it, or nothing."""

import io
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from fastcrc import crc64
from fsspec.spec import AbstractBufferedFile

from sts_client.errors import ChecksumMismatch
from sts_client.objects import Objects, Payload, guessed_type, operations, put_headers
from sts_client.plugs.fsspec.failures import as_os_errors

BLOCK = 8 * 1024 * 1024
"""Bytes of a part, and of the memory that an open file takes."""
LEAST_BLOCK = 100 * 1024
"""Bytes that OSS wants of each part but the last ("UploadPart")."""
GROWS_AFTER = 1000
"""Parts after which their size doubles: OSS takes 10,000, which are then 8 TiB."""


class WriteFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file open for writing; there is no object before it is closed.

    What leaves its ``with`` by an exception, or was never closed, writes nothing. Within
    ``fs.transaction`` closing is not enough: what counts is the end of the transaction.

    Args:
        fs: the file system.
        path: bucket and key.
        objects: sends the requests.
        key: of the object.
        block_size: bytes of a part, or None.
        autocommit: whether to be done when closed, or when `commit` is called.
        forbid_overwrite: only create; of two writers one gets `FileExistsError`.
        content_type: stored with it, by default what the name's ending stands for.
        metadata: stored with it.
        options: as for `fsspec`.
    """

    def __init__(
        self,
        fs: Any,
        path: str,
        *,
        objects: Objects,
        key: str,
        block_size: int | None = None,
        autocommit: bool = True,
        forbid_overwrite: bool = False,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self._process = os.getpid()
        self._objects = objects
        self._key = key
        self._create = put_headers(forbid_overwrite=forbid_overwrite)
        kind = guessed_type(key) if content_type is None else content_type
        self._headers = put_headers(content_type=kind, metadata=metadata)
        self._upload: str | None = None
        self._parts: list[operations.Part] = []
        self._crc64 = 0
        self._small: bytes | None = None
        block = max(block_size or BLOCK, LEAST_BLOCK)
        super().__init__(fs, path, "wb", block, autocommit, **options)

    def flush(self, force: bool = False) -> None:
        """Send what fills a block. With `force`, all; what then goes wrong ends the file."""
        try:
            super().flush(force)
        except BaseException:
            if force:
                self.discard()
            raise

    def _upload_chunk(self, final: bool = False) -> bool:
        data = self.buffer.getvalue()
        with as_os_errors(self.path):
            if final and self._upload is None:
                self._small = data
            elif data:
                self._send(data)
            if final and self.autocommit:
                self._finish()
        return True

    def _send(self, data: bytes) -> None:
        if self._upload is None:
            headers = self._headers | self._create
            self._upload = self._objects.run(operations.initiate(self._key, headers))
        number = len(self._parts) + 1
        steps = operations.upload_part(self._key, self._upload, number, Payload(data))
        self._parts.append(self._objects.run(steps))
        self._crc64 = crc64.xz(data, self._crc64)
        if number % GROWS_AFTER == 0:
            self.blocksize *= 2

    def _finish(self) -> None:
        if self._upload is None:
            headers = self._headers | self._create
            self._objects.run(operations.put(self._key, Payload(self._small or b""), headers))
        else:
            steps = operations.complete(self._key, self._upload, self._parts, self._create)
            done = self._objects.run(steps)
            self._upload = None
            if done.crc64 is not None and done.crc64 != self._crc64:
                raise ChecksumMismatch(
                    f"OSS joined the parts of {self._key!r} to something with another CRC-64: what "
                    f"is there now is damaged, write it again"
                )
        self._small = None

    def commit(self) -> None:
        """Make what was written the object; called at the end of a transaction."""
        try:
            with as_os_errors(self.path):
                self._finish()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing: neither an object nor parts of one. Nothing else can be done with it.

        In a forked child it only lets go: the upload is its parent's, who may go on with it.
        """
        self.closed = True
        self.buffer = io.BytesIO()
        self._small = None
        upload, self._upload = self._upload, None
        if upload is not None and self._process == os.getpid():
            # It may have been the very reason that nobody answers: the bucket's lifecycle
            # rules remove what is left.
            with suppress(Exception):
                self._objects.run(operations.abort(self._key, upload))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        if not self.closed:
            self.discard()
            if self._process != os.getpid():
                return
            warnings.warn(
                f"{self!r} was never closed: nothing was written", ResourceWarning, stacklevel=2
            )
