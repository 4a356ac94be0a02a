"""What a copy copies: the source header, its conditions, and the right to read it."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.conditions import Outcome, judge
from sts_server.sandbox.oss.errors import (
    OssError,
    invalid_argument,
    no_such_bucket,
    no_such_key,
    no_such_version,
    precondition_failed,
)
from sts_server.sandbox.store.record import Kind, Record

SOURCE = "x-oss-copy-source"
# ali-oss repeats every header of its caller behind this prefix; what means nothing is ignored.
SOURCE_PREFIX = "x-oss-copy-source-"


@dataclass(frozen=True)
class Source:
    """The object, or the version of it, that is copied."""

    bucket: str
    key: str
    version: str


async def source_of(call: Call) -> Source:
    """Read `x-oss-copy-source`, and ask for the right to read what it names.

    Raises:
        OssError: It is not `/bucket/key`, the caller may not read it, or its bucket is missing.
    """
    header = call.header[SOURCE]
    path, _, query = header.partition("?")
    name, equals, version = query.partition("=")
    if query and (name != "versionId" or not equals or not version):
        raise invalid_argument(SOURCE, header, "The source is /bucket/key[?versionId=id].")
    try:
        text = unquote_to_bytes(path.encode(errors="surrogateescape")).decode()
    except UnicodeDecodeError:
        text = ""
    bucket, slash, key = text.removeprefix("/").partition("/")
    if not slash or not bucket or not key or not text.startswith("/"):
        raise invalid_argument(SOURCE, header, "The source is /bucket/key[?versionId=id].")
    action = "oss:GetObjectVersion" if version else "oss:GetObject"
    await call.demand(action, bucket, key, version=version)
    if not call.store.has_bucket(bucket):
        raise no_such_bucket(bucket)
    return Source(bucket, key, version)


def missing_source(source: Source) -> OssError:
    """Say that the source does not exist."""
    if source.version:
        return no_such_version(source.key, source.version)
    return no_such_key(source.key)


def may_copy(call: Call, source: Source, record: Record) -> bool:
    """Judge the conditions on an existing source.

    Args:
        call: The call.
        source: What it names.
        record: What is there.

    Returns:
        False when the answer is 304.

    Raises:
        OssError: A condition fails, or OSS copies nothing of this kind.
    """
    if record.kind in (Kind.APPENDABLE, Kind.SYMLINK) or record.marker:
        raise OssError(
            400,
            "OperationNotSupported",
            f"An object of type {record.kind.value} cannot be copied.",
            "0016-00000513",
            {"Key": source.key},
        )
    conditions = {
        name.removeprefix(SOURCE_PREFIX): value
        for name, value in call.header.items()
        if name.startswith(SOURCE_PREFIX)
    }
    verdict = judge(conditions, record.etag, record.modified)
    if verdict.outcome is Outcome.FAILED:
        raise precondition_failed(f"{SOURCE_PREFIX}{verdict.header}")
    return verdict.outcome is Outcome.PROCEED
