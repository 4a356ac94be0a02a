"""The writes of a bucket: put and delete."""

from collections.abc import Mapping
from typing import Never

from sts_client.bucket.part import Part
from sts_client.objects import Data, PutResult, put_headers, refuse_conditions


class Writes(Part):
    """What a bucket can write, one object at a time."""

    def put(
        self,
        key: str,
        data: Data,
        *,
        forbid_overwrite: bool = False,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **unsupported: Never,
    ) -> PutResult:
        """Write an object.

        Args:
            key: its name within the bucket, not encoded.
            data: bytes, a file opened in binary (sent from where it stands), or an iterable of
                bytes, which cannot be sent a second time if a lease dies meanwhile.
            forbid_overwrite: only create; two writers at once cannot both win. OSS does not heed
                it in a bucket that has, or had, versioning.
            content_type: stored with it; without it OSS takes application/octet-stream.
            metadata: stored with it; visible ASCII, names without ``x-oss-meta-`` and in any case.
            unsupported: nothing; conditions given here are refused with the reason.

        Raises:
            FileAlreadyExists: `forbid_overwrite` and there is one.
            ChecksumMismatch: OSS stored other bytes than were sent.
        """
        refuse_conditions("put", unsupported)
        headers = put_headers(
            forbid_overwrite=forbid_overwrite, content_type=content_type, metadata=metadata
        )
        return self._objects.put(key, data, headers)

    def delete(self, key: str) -> None:
        """Delete an object. One that is not there is no error."""
        self._objects.delete(key)
