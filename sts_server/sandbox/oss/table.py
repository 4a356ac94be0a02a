"""The table of all operations."""

from itertools import chain

from sts_server.sandbox.oss.operation import Operation, choose
from sts_server.sandbox.oss.operations import (
    completing,
    copying,
    deleting,
    listing,
    multipart,
    reading,
    uploads,
    writing,
)
from sts_server.sandbox.oss.request import OssRequest

ROOMS = (completing, copying, deleting, listing, multipart, reading, uploads, writing)
OPERATIONS: tuple[Operation, ...] = tuple(chain.from_iterable(room.OPERATIONS for room in ROOMS))


def find_operation(request: OssRequest) -> Operation:
    """Name the operation that a request asks for.

    Raises:
        OssError: The sandbox lacks it, or a parameter or a header of it.
    """
    return choose(OPERATIONS, request)


def makes_bucket(request: OssRequest) -> bool:
    """Say whether a request may name a bucket that does not exist."""
    return any(one.creates_bucket and one.asked(request) for one in OPERATIONS)
