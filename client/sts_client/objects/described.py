"""What is known of an object that is being read, whoever reads it and however."""

from collections.abc import Mapping
from datetime import datetime

from sts_client.objects.head import Head


class Described:
    """An object whose head has come.

    Attributes:
        head: all that OSS says about it.
    """

    def __init__(self, head: Head) -> None:
        self.head = head

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.head!r})"

    @property
    def key(self) -> str:
        """Its name."""
        return self.head.key

    @property
    def etag(self) -> str:
        """Verbatim, quotes included: good for `if_match` and `if_none_match`."""
        return self.head.etag

    @property
    def size(self) -> int:
        """Bytes of the whole object, also where only a range of it is read."""
        return self.head.size

    @property
    def last_modified(self) -> datetime | None:
        """When it was last written; aware, to the second."""
        return self.head.last_modified

    @property
    def content_type(self) -> str:
        """As stored."""
        return self.head.content_type

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own, names in lower case without ``x-oss-meta-``."""
        return self.head.metadata
