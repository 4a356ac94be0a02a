"""Reads files: whole ones with their CRC-64, pieces of one version and never of two."""

from typing import Any

from fsspec.spec import AbstractBufferedFile

from sts_client.bucket import Bucket
from sts_client.errors import InvalidRange
from sts_client.objects import ByteRange, wait
from sts_client.transfer.attempts import attempt


def fetched(
    bucket: Bucket, key: str, byte_range: ByteRange | None = None, etag: str | None = None
) -> tuple[bytes, str | None]:
    """Return an object's bytes, or a range of them, and its entity tag.

    Beyond the end OSS tells no entity tag: then it is the one asked for, or None.

    Args:
        bucket: where it is.
        key: its name.
        byte_range: first and last byte; beyond the end there is nothing, as in any file.
        etag: of the version to read; another one is `PreconditionFailed`.
    """

    def read() -> tuple[bytes, str]:
        with bucket.get(key, if_match=etag, byte_range=byte_range) as found:
            return found.read(), found.etag

    try:
        return attempt(read, wait)
    except InvalidRange:
        return b"", etag


class ReadFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file open for reading, at any place, in the version that it had when it was opened.

    If the object is replaced meanwhile, the next block that has to be fetched raises an `OSError`
    with ``errno.ESTALE``. Pickled, it goes on with the same version.

    Args:
        fs: the file system.
        path: bucket and key.
        block_size: bytes to fetch at least, or None.
        etag: of the version to read, None to ask for the present one.
        size: of that version in bytes.
        options: as for `fsspec`, such as `cache_type`.
    """

    def __init__(
        self,
        fs: Any,
        path: str,
        *,
        block_size: int | None = None,
        etag: str | None = None,
        size: int | None = None,
        **options: Any,
    ) -> None:
        info = None
        if etag is None or size is None:
            info = fs.info(path)
            if info["type"] != "file":
                raise IsADirectoryError(path)
            etag, size = info["ETag"], info["size"]
        self._etag = etag
        super().__init__(fs, path, "rb", block_size, size=size, etag=etag, **options)
        self._details = info  # else asked for again

    def _fetch_range(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        return bytes(self.fs.cat_file(self.path, start, end, etag=self._etag))
