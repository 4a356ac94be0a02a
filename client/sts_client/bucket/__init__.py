"""The face: a bucket as a user holds it, opened by `connect`."""

from sts_client.bucket.bucket import Bucket
from sts_client.bucket.connecting import connect

__all__ = ["Bucket", "connect"]
