"""PutObjectTagging, GetObjectTagging and DeleteObjectTagging."""

from dataclasses import replace

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import read_body
from sts_server.sandbox.oss.editing import edit
from sts_server.sandbox.oss.headers import version_headers
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.operations.reading import find_record
from sts_server.sandbox.oss.tags import read_tags, tags_element


async def put_object_tagging(call: Call) -> Answer:
    """PutObjectTagging: these tags and no others.

    Raises:
        OssError: The document is wrong, the caller may not give these tags, or there is no such
            object.
    """
    tags = read_tags(await read_body(call))
    action = "PutObjectVersionTagging" if "versionId" in call.query else "PutObjectTagging"
    facts = {f"oss:RequestObjectTag/{key}": value for key, value in tags.items()}
    bucket, key = call.request.bucket, call.request.key
    version = call.query.get("versionId", "")
    await call.demand(f"oss:{action}", bucket, key, version=version, facts=facts)
    record = await edit(call, lambda old: replace(old, tags=tags))
    return Answer(200, version_headers(call.bucket, record))


async def get_object_tagging(call: Call) -> Answer:
    """GetObjectTagging: an object without tags has an empty set.

    Raises:
        OssError: There is no such object.
    """
    record = await find_record(call)
    answer = xml_answer(tags_element(record.tags))
    return Answer(200, {**answer.headers, **version_headers(call.bucket, record)}, answer.body)


async def delete_object_tagging(call: Call) -> Answer:
    """DeleteObjectTagging.

    Raises:
        OssError: There is no such object.
    """
    record = await edit(call, lambda old: replace(old, tags={}))
    return Answer(204, version_headers(call.bucket, record))


OPERATIONS = (
    Operation(
        "PutObjectTagging",
        "PUT",
        Level.OBJECT,
        "",  # the tags in the body belong to the question
        put_object_tagging,
        when=("tagging",),
        parameters=frozenset({"versionId"}),
    ),
    Operation(
        "GetObjectTagging",
        "GET",
        Level.OBJECT,
        "oss:GetObjectTagging",
        get_object_tagging,
        when=("tagging",),
        version_action="oss:GetObjectVersionTagging",
    ),
    Operation(
        "DeleteObjectTagging",
        "DELETE",
        Level.OBJECT,
        "oss:DeleteObjectTagging",
        delete_object_tagging,
        when=("tagging",),
        version_action="oss:DeleteObjectVersionTagging",
    ),
)
