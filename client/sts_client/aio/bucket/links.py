"""The links of a bucket for asyncio: signed URLs for those who have no keys."""

from sts_client import conditions
from sts_client.aio.bucket.part import Part
from sts_client.conditions import ETag, HttpDate
from sts_client.objects import SignedUrl, put_headers, saved_as


class Links(Part):
    """What a bucket can let others do once."""

    async def presign_get(
        self,
        key: str,
        *,
        seconds: int = 900,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        save_as: str | None = None,
    ) -> SignedUrl:
        """Sign a URL with which the object can be read.

        Args:
            key: its name within the bucket.
            seconds: that the URL should live; it ends with the lease, so look at its `expires`.
            if_match: and the other conditions: whoever uses the URL has to send `headers`.
            if_none_match: as for `get`.
            if_modified_since: as for `get`.
            if_unmodified_since: as for `get`.
            save_as: name under which a browser keeps it.
        """
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return await self._objects.presign("GET", key, saved_as(save_as), headers, seconds)

    async def presign_put(
        self,
        key: str,
        *,
        seconds: int = 900,
        content_type: str | None = None,
        forbid_overwrite: bool = False,
    ) -> SignedUrl:
        """Sign a URL with which the object can be written, by whoever sends `headers`.

        Args:
            key: its name within the bucket.
            seconds: that the URL should live; it ends with the lease, so look at its `expires`.
            content_type: to be sent, if any; a browser adds one by itself unless told.
            forbid_overwrite: only create, and so use the URL once.
        """
        headers = put_headers(content_type=content_type, forbid_overwrite=forbid_overwrite)
        return await self._objects.presign("PUT", key, (), headers, seconds)
