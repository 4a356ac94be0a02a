"""A part of the face: some of what a bucket can do, on the requests that all parts share."""

from sts_client.aio.objects import Aside, AsyncObjects


class Part:
    """Some of what a bucket can do."""

    _objects: AsyncObjects
    _aside: Aside
