"""RestoreObject: nothing here is ever archived, so nothing can be brought back."""

from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.reading import find_record


async def restore_object(call: Call) -> Answer:
    """RestoreObject (OSS: "RestoreObject"); every object is of class Standard.

    Raises:
        OssError: Always: there is no such object, or its class is not one to restore.
    """
    record = await find_record(call)
    raise OssError(
        400,
        "OperationNotSupported",
        "The operation is not supported for this resource: its storage class is Standard.",
        "0016-00000513",
        {"Key": record.key},
    )


OPERATIONS = (
    Operation(
        "RestoreObject",
        "POST",
        Level.OBJECT,
        "oss:RestoreObject",
        restore_object,
        when=("restore",),
        version_action="oss:RestoreObjectVersion",
    ),
)
