"""Names of objects on the command line: ``oss://bucket/key``."""

from sts_client.bucket import Bucket
from sts_client.errors import UsageError

METAVAR = "oss://bucket/key"


def is_name(text: str) -> bool:
    """Return whether a word names an object, or a prefix, and not a file."""
    return text.startswith("oss://")


def key_of(bucket: Bucket, name: str) -> str:
    """Return the key in a name; raises UsageError unless the bucket is that of the lease."""
    scheme, _, rest = name.partition("://")
    place, _, key = rest.partition("/")
    if scheme != "oss" or not place:
        raise UsageError(f"an object is named {METAVAR}")
    ours = bucket.provider.lease().bucket
    if place != ours:
        raise UsageError(f"this grant is for the bucket {ours!r}, not for {place!r}")
    return key
