"""The copies of a bucket for asyncio: within it, on conditions of the source."""

from collections.abc import Mapping
from typing import overload

from sts_client import conditions
from sts_client.aio.bucket.part import Part
from sts_client.conditions import ETag, HttpDate
from sts_client.objects import NotModified, PutResult, copy_headers, operations


class Copies(Part):
    """What a bucket can copy."""

    @overload
    async def copy(
        self,
        source: str,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
        forbid_overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> PutResult: ...

    @overload
    async def copy(
        self,
        source: str,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        forbid_overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> PutResult | NotModified: ...

    async def copy(
        self,
        source: str,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        forbid_overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> PutResult | NotModified:
        """Copy an object if all conditions hold for the source; at most some 5 GB, says OSS.

        Args:
            source: name of what is copied.
            key: name of the copy.
            if_match: entity tag that the source must have, else `PreconditionFailed`.
            if_none_match: entity tag that it must not have, else `NotModified` is returned.
            if_modified_since: it must have been written later, else `NotModified` is returned.
            if_unmodified_since: it must not have been written later, else `PreconditionFailed`.
            forbid_overwrite: only create; as for `put`.
            metadata: in place of the source's own, all of it; None copies that.
            content_type: in place of the source's own, together with `metadata`.

        Raises:
            NoSuchKey: there is no such source.
            FileAlreadyExists: `forbid_overwrite` and there is one.
        """
        holds = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        headers = copy_headers(
            forbid_overwrite=forbid_overwrite, content_type=content_type, metadata=metadata
        )
        return await self._objects.run(operations.copy(source, key, holds, headers))
