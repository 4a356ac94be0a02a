"""PutObjectACL and GetObjectACL."""

from dataclasses import replace

from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.editing import edit
from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.headers import object_acl, version_headers
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.buckets import acl_answer
from sts_server.sandbox.oss.operations.reading import find_record

ACL_HEADER = "x-oss-object-acl"


async def put_object_acl(call: Call) -> Answer:
    """PutObjectACL.

    Raises:
        OssError: There is no such object, or no such ACL.
    """
    if ACL_HEADER not in call.header:
        raise invalid_argument(ACL_HEADER, "", "no such object access control exists")
    acl = object_acl(call.header)
    record = await edit(call, lambda old: replace(old, acl=acl))
    return Answer(200, version_headers(call.bucket, record))


async def get_object_acl(call: Call) -> Answer:
    """GetObjectACL.

    Raises:
        OssError: There is no such object.
    """
    record = await find_record(call)
    answer = acl_answer(call.owner, record.acl)
    return Answer(200, {**answer.headers, **version_headers(call.bucket, record)}, answer.body)


OPERATIONS = (
    Operation(
        "PutObjectACL",
        "PUT",
        Level.OBJECT,
        "oss:PutObjectAcl",
        put_object_acl,
        when=("acl",),
        headers=frozenset({ACL_HEADER}),
        version_action="oss:PutObjectVersionAcl",
    ),
    Operation(
        "GetObjectACL",
        "GET",
        Level.OBJECT,
        "oss:GetObjectAcl",
        get_object_acl,
        when=("acl",),
        version_action="oss:GetObjectVersionAcl",
    ),
)
