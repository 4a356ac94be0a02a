"""What the index knows about one version of one object."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

NULL_VERSION = "null"  # what OSS calls the version of all that was written without versioning


class Kind(StrEnum):
    """How an object came to be; spelled as `x-oss-object-type` spells it."""

    NORMAL = "Normal"
    MULTIPART = "Multipart"
    APPENDABLE = "Appendable"
    SYMLINK = "Symlink"


@dataclass(frozen=True)
class Digest:
    """Size and checksums of a body, gathered while it flowed by.

    Attributes:
        size: Bytes.
        md5: 16 raw bytes, or none when nobody read the body as a whole.
        crc64: CRC-64/XZ, unsigned.
    """

    size: int
    md5: bytes
    crc64: int


NO_BODY = Digest(0, b"", 0)


@dataclass(frozen=True)
class Record:
    """One version of an object: its key, where its bytes are, and what OSS says about it.

    Attributes:
        key: The decoded object name.
        file: Name of the file that holds the body; empty for what has none.
        digest: Size and checksums.
        modified: Whole seconds, aware, UTC.
        headers: Stored headers, lower-case names: Content-Type, user metadata and the like.
        kind: How it came to be.
        tag: The entity tag where it is not the MD5, without quotes.
        acl: Its own ACL, or `default` for that of the bucket.
        tags: Its tags.
        target: The key that a symbolic link leads to.
        version: Version id.
        marker: Whether it is a delete marker, which hides all older versions.
        latest: Whether it is what the bare key means.
    """

    key: str
    file: str
    digest: Digest
    modified: datetime
    headers: Mapping[str, str]
    kind: Kind = Kind.NORMAL
    tag: str = ""
    acl: str = "default"
    tags: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    version: str = NULL_VERSION
    marker: bool = False
    latest: bool = True

    @property
    def etag(self) -> str:
        """The entity tag without quotes: for a simple upload the MD5 in upper-case hex."""
        return self.tag or self.digest.md5.hex().upper()

    @property
    def content_md5(self) -> str:
        """The MD5 as the Content-MD5 header writes it; empty when it is not known."""
        return base64.b64encode(self.digest.md5).decode()
