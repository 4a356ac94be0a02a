"""The table of all operations."""

from itertools import chain

from sts_server.sandbox.oss.operation import Operation, best, choose
from sts_server.sandbox.oss.operations import (
    appending,
    bucket_cors,
    bucket_tagging,
    buckets,
    completing,
    copying,
    deleting,
    listing,
    multipart,
    object_acl,
    reading,
    restoring,
    symlinks,
    tagging,
    uploads,
    versions,
    writing,
)
from sts_server.sandbox.oss.request import OssRequest

ROOMS = (
    appending,
    bucket_cors,
    bucket_tagging,
    buckets,
    completing,
    copying,
    deleting,
    listing,
    multipart,
    object_acl,
    reading,
    restoring,
    symlinks,
    tagging,
    uploads,
    versions,
    writing,
)
OPERATIONS: tuple[Operation, ...] = tuple(chain.from_iterable(room.OPERATIONS for room in ROOMS))


def find_operation(request: OssRequest) -> Operation:
    """Name the operation that a request asks for.

    Raises:
        OssError: The sandbox lacks it, or a parameter or a header of it.
    """
    return choose(OPERATIONS, request)


def makes_bucket(request: OssRequest) -> bool:
    """Say whether a request may name a bucket that does not exist."""
    operation = best(OPERATIONS, request)
    return operation is not None and operation.creates_bucket
