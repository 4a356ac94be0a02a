"""PutBucketTags, GetBucketTags and DeleteBucketTags."""

from dataclasses import replace

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import read_body
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.tags import OF_BUCKET, read_tags, tags_element


async def put_bucket_tags(call: Call) -> Answer:
    """PutBucketTags: these tags and no others.

    Raises:
        OssError: The document is wrong.
    """
    tags = read_tags(await read_body(call), OF_BUCKET)
    await call.store.set_bucket(call.request.bucket, lambda old: replace(old, tags=tags))
    return Answer(200)


async def get_bucket_tags(call: Call) -> Answer:
    """GetBucketTags: a bucket without tags has an empty set."""
    return xml_answer(tags_element(call.bucket.tags))


async def delete_bucket_tags(call: Call) -> Answer:
    """DeleteBucketTags: those that the parameter names, or all; a missing one is no error."""
    names = call.query["tagging"]
    gone = set(names.split(","))

    def kept(tags: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in tags.items() if names and key not in gone}

    await call.store.set_bucket(
        call.request.bucket, lambda old: replace(old, tags=kept(dict(old.tags)))
    )
    return Answer(204)


OPERATIONS = (
    Operation(
        "PutBucketTags",
        "PUT",
        Level.BUCKET,
        "oss:PutBucketTagging",
        put_bucket_tags,
        when=("tagging",),
    ),
    Operation(
        "GetBucketTags",
        "GET",
        Level.BUCKET,
        "oss:GetBucketTagging",
        get_bucket_tags,
        when=("tagging",),
    ),
    Operation(
        "DeleteBucketTags",
        "DELETE",
        Level.BUCKET,
        "oss:DeleteBucketTagging",
        delete_bucket_tags,
        when=("tagging",),
    ),
)
