"""What the index knows about one multipart upload and its parts."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sts_server.sandbox.store.record import Digest


@dataclass(frozen=True)
class Multipart:
    """An upload that was begun and neither completed nor aborted.

    Attributes:
        id: The upload id.
        bucket: Where the object will be.
        key: Its decoded name.
        initiated: Whole seconds, aware, UTC.
        headers: Stored headers of the object to be, lower-case names.
        acl: ACL of the object to be.
        tags: Tags of the object to be.
    """

    id: str
    bucket: str
    key: str
    initiated: datetime
    headers: Mapping[str, str]
    acl: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """One part that has arrived.

    Attributes:
        number: 1 to 10000.
        file: Name of the file that holds it.
        digest: Size and checksums.
        modified: Whole seconds, aware, UTC.
    """

    number: int
    file: str
    digest: Digest
    modified: datetime

    @property
    def etag(self) -> str:
        """The entity tag without quotes: the MD5 in upper-case hex."""
        return self.digest.md5.hex().upper()

    @property
    def content_md5(self) -> str:
        """The MD5 as the Content-MD5 header writes it."""
        return base64.b64encode(self.digest.md5).decode()
