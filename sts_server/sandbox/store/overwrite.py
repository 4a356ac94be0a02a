"""The one condition that OSS knows for a write: that the key is free."""

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.store.index import Index


def refuse_overwrite(index: Index, bucket: str, key: str, *, forbid: bool) -> None:
    """Stop a write that must not overwrite; inside its transaction.

    A bucket that has or had versioning loses nothing by it, so OSS ignores the wish there
    ("PutObject").

    Raises:
        AlreadyExistsError: The key is taken.
    """
    if not forbid or index.find(bucket, key) is None:
        return
    held = index.buckets.find(bucket)
    if held is None or not held.versioning:
        raise AlreadyExistsError(key)
