"""What the index knows about one object."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Digest:
    """Size and checksums of a body, gathered while it flowed by.

    Attributes:
        size: Bytes.
        md5: 16 raw bytes.
        crc64: CRC-64/XZ, unsigned.
    """

    size: int
    md5: bytes
    crc64: int


@dataclass(frozen=True)
class Record:
    """One object: its key, where its bytes are, and what OSS says about it.

    Attributes:
        key: The decoded object name.
        file: Name of the file that holds the body.
        digest: Size and checksums.
        modified: Whole seconds, aware, UTC.
        headers: Stored headers, lower-case names: Content-Type, user metadata and the like.
    """

    key: str
    file: str
    digest: Digest
    modified: datetime
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        """The entity tag without quotes: for a simple upload the MD5 in upper-case hex."""
        return self.digest.md5.hex().upper()

    @property
    def content_md5(self) -> str:
        """The MD5 as the Content-MD5 header writes it."""
        return base64.b64encode(self.digest.md5).decode()
