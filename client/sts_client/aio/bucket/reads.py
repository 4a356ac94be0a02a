"""The reads of a bucket for asyncio: get and head, on conditions."""

from typing import overload

from sts_client import conditions
from sts_client.aio.bucket.part import Part
from sts_client.aio.objects import AsyncObject
from sts_client.conditions import ETag, HttpDate
from sts_client.objects import ByteRange, Head, NotModified, operations


class Reads(Part):
    """What a bucket can read of one object."""

    @overload
    async def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> AsyncObject: ...

    @overload
    async def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> AsyncObject | NotModified: ...

    async def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> AsyncObject | NotModified:
        """Read an object, or part of it, if all conditions hold.

        Args:
            key: its name within the bucket, not encoded.
            if_match: entity tag that it must have, else `PreconditionFailed`.
            if_none_match: entity tag that it must not have, else `NotModified` is returned.
            if_modified_since: it must have been written later, else `NotModified` is returned.
            if_unmodified_since: it must not have been written later, else `PreconditionFailed`.
            byte_range: first and last byte, the last may be None.

        Raises:
            NoSuchKey: there is no such object.
            PreconditionFailed: as said above.
        """
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return await self._objects.get(key, headers, byte_range)

    @overload
    async def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head: ...

    @overload
    async def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head | NotModified: ...

    async def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head | NotModified:
        """Return what `get` would say about an object, without its bytes; same conditions."""
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return await self._objects.run(operations.head(key, headers))

    async def exists(self, key: str) -> bool:
        """Return whether there is an object of this name.

        OSS says so only to those who may read it: else `AccessDenied` is raised.
        """
        return await self._objects.run(operations.exists(key))

    async def tags(self, key: str) -> dict[str, str]:
        """Return the tags of an object; takes a right of its own, oss:GetObjectTagging."""
        return await self._objects.run(operations.tags(key))
