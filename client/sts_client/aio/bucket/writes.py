"""The writes of a bucket for asyncio: put, append and delete."""

from collections.abc import Iterable, Mapping
from typing import Never

from sts_client.aio.bucket.part import Part
from sts_client.aio.objects import AsyncData, AsyncPayload
from sts_client.objects import (
    AppendResult,
    PutResult,
    guessed_type,
    operations,
    put_headers,
    refuse_conditions,
)


class Writes(Part):
    """What a bucket can write, one object at a time."""

    async def put(
        self,
        key: str,
        data: AsyncData,
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
                bytes, async or not, which cannot be sent a second time if a lease dies meanwhile.
                Files and iterables that are not async are read in threads.
            forbid_overwrite: only create; two writers at once cannot both win. OSS does not heed
                it in a bucket that has, or had, versioning.
            content_type: stored with it; by default what the name's ending stands for.
            metadata: stored with it; visible ASCII, names without ``x-oss-meta-`` and in any case.
            unsupported: nothing; conditions given here are refused with the reason.

        Raises:
            FileAlreadyExists: `forbid_overwrite` and there is one.
            ChecksumMismatch: OSS stored other bytes than were sent.
        """
        refuse_conditions("put", unsupported)
        headers = put_headers(
            forbid_overwrite=forbid_overwrite,
            content_type=guessed_type(key) if content_type is None else content_type,
            metadata=metadata,
        )
        return await self._objects.run(operations.put(key, AsyncPayload(data), headers))

    async def delete(self, key: str) -> None:
        """Delete an object. One that is not there is no error."""
        await self._objects.run(operations.delete(key))

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Delete objects, a thousand with each request; return how many names were given.

        One that is not there is no error. If one of a thousand may not be deleted none of them is.
        """
        return await self._objects.run(operations.delete_all(keys))

    async def append(
        self,
        key: str,
        data: AsyncData,
        *,
        position: int,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> AppendResult:
        """Make an object longer, or begin one that can be.

        Args:
            key: its name within the bucket.
            data: as for `put`.
            position: its length so far, 0 to begin: of two who append at one place one wins.
            content_type: stored with it, at position 0.
            metadata: stored with it, at position 0.

        Raises:
            PositionNotEqualToLength: it ends elsewhere; `next_position` says where.
            ObjectNotAppendable: it was put, not appended.
            ChecksumMismatch: OSS stored other bytes than were sent.
        """
        headers = put_headers(content_type=content_type, metadata=metadata)
        payload = AsyncPayload(data)
        return await self._objects.run(operations.append(key, payload, position, headers))

    async def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags; none removes them.

        It takes a right of its own, oss:PutObjectTagging or oss:DeleteObjectTagging.
        """
        steps = operations.set_tags(key, tags) if tags else operations.delete_tags(key)
        await self._objects.run(steps)
