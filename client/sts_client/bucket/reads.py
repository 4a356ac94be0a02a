"""The reads of a bucket: get and head, on conditions."""

from typing import overload

from sts_client import conditions
from sts_client.bucket.part import Part
from sts_client.conditions import ETag, HttpDate
from sts_client.objects import ByteRange, Head, NotModified, Object, operations


class Reads(Part):
    """What a bucket can read of one object."""

    @overload
    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object: ...

    @overload
    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object | NotModified: ...

    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object | NotModified:
        """Read an object, or part of it, if all conditions hold.

        >>> first = bucket.get("users/alice/report.csv")
        >>> first.read()
        b'1,2,3,4'
        >>> bucket.get("users/alice/report.csv", if_none_match=first.etag)  # doctest: +ELLIPSIS
        NotModified(key='users/alice/report.csv', ...)
        >>> bucket.get("users/alice/report.csv", byte_range=(4, None)).read()
        b'3,4'

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
        return self._objects.get(key, headers, byte_range)

    @overload
    def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head: ...

    @overload
    def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head | NotModified: ...

    def head(
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
        return self._objects.run(operations.head(key, headers))

    def exists(self, key: str) -> bool:
        """Return whether there is an object of this name.

        >>> bucket.exists("users/alice/nothing.csv")
        False

        OSS says so only to those who may read it: else `AccessDenied` is raised.
        """
        return self._objects.run(operations.exists(key))

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of an object; takes a right of its own, oss:GetObjectTagging."""
        return self._objects.run(operations.tags(key))
