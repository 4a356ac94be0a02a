"""A change of what is said of an object, in one step with the look at it."""

from collections.abc import Callable

from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import no_such_key, no_such_version
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Record


async def edit(call: Call, change: Callable[[Record], Record]) -> Record:
    """Change the object, or the version of it, that a request names.

    Args:
        call: The call.
        change: Turns the object as it is into what it shall be; key and version stay.

    Raises:
        OssError: There is no such object.
    """
    bucket, key = call.request.bucket, call.request.key
    version = call.query.get("versionId", "")

    def write(index: Index) -> tuple[Record, list[str]]:
        found = index.find(bucket, key, version)
        if found is None or found.marker:
            raise no_such_version(key, version) if version else no_such_key(key)
        changed = change(found)
        index.update(bucket, changed)
        return changed, []

    return await call.store.change(write)
