"""The transfers of a bucket for asyncio: whole files, moved by threads beside the loop."""

import os
from collections.abc import Mapping
from typing import Never, overload

from sts_client import conditions
from sts_client.aio.bucket.part import Part
from sts_client.conditions import ETag, HttpDate
from sts_client.objects import NotModified, PutResult, guessed_type, put_headers, refuse_conditions
from sts_client.transfer import Downloaded, TransferSettings, download, upload

_USUAL = TransferSettings()


class Transfers(Part):
    """What a bucket can move between objects and files."""

    @overload
    async def download(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
        settings: TransferSettings = _USUAL,
    ) -> Downloaded: ...

    @overload
    async def download(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        settings: TransferSettings = _USUAL,
    ) -> Downloaded | NotModified: ...

    async def download(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        settings: TransferSettings = _USUAL,
    ) -> Downloaded | NotModified:
        """Bring an object into a file, if all conditions hold.

        All of it comes from one version of the object, its CRC-64 is compared with OSS's, and the
        file appears under its name only when it is whole. A file that is the same already stays as
        it is. What came before a crash or an error is taken up by the next call.

        Args:
            key: the object's name within the bucket.
            path: the file; what is there is replaced.
            if_match: as for `get`, and so the other conditions.
            if_none_match: as for `get`.
            if_modified_since: as for `get`.
            if_unmodified_since: as for `get`.
            settings: how much at a time, and who is told.

        Raises:
            NoSuchKey: there is no such object.
            ObjectChanged: it was replaced while it was read.
            ChecksumMismatch: what came is not what OSS has; the file is as it was.
            OSError: of the file.
        """
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return await self._aside.run(
            lambda objects, watched: download(objects, key, path, headers, watched), settings
        )

    async def upload(
        self,
        path: str | os.PathLike[str],
        key: str,
        *,
        forbid_overwrite: bool = False,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        settings: TransferSettings = _USUAL,
        **unsupported: Never,
    ) -> PutResult:
        """Make an object of a file.

        A large one goes in parts, each verified; the object appears when all of them are there. An
        upload that fails is aborted, unless `settings.journal` keeps it for the next call.

        Args:
            path: the file.
            key: the object's name within the bucket.
            forbid_overwrite: only create; as for `put`.
            content_type: stored with it; by default what the name's ending stands for.
            metadata: stored with it; as for `put`.
            settings: how much at a time, and who is told.
            unsupported: nothing; conditions given here are refused with the reason.

        Raises:
            FileAlreadyExists: `forbid_overwrite` and there is one.
            ChecksumMismatch: OSS stored something else.
            PayloadError: the file was changed meanwhile.
            OSError: it cannot be read.
        """
        refuse_conditions("upload", unsupported)
        headers = put_headers(
            forbid_overwrite=forbid_overwrite,
            content_type=guessed_type(key) if content_type is None else content_type,
            metadata=metadata,
        )
        return await self._aside.run(
            lambda objects, watched: upload(objects, path, key, headers, watched), settings
        )
