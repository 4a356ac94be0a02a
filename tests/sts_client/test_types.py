"""What type checkers know of the face: without a read condition nothing can be `NotModified`.

mypy reads this file; a wrong type is an error of `make types`. Nothing here is run.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_type

from sts_client import (
    AppendResult,
    Bucket,
    Credentials,
    Downloaded,
    Entry,
    Folder,
    Head,
    Lease,
    NotModified,
    Object,
    Provider,
    PutResult,
    SignedUrl,
    connect,
    leases_from,
)

NOW = datetime(2025, 12, 1, tzinfo=UTC)


def reads(bucket: Bucket) -> None:
    assert_type(bucket.get("k"), Object)
    assert_type(bucket.get("k", if_match='"e"', if_unmodified_since=NOW), Object)
    assert_type(bucket.get("k", byte_range=(0, None)), Object)
    assert_type(bucket.get("k", if_none_match='"e"'), Object | NotModified)
    assert_type(bucket.get("k", if_modified_since=NOW), Object | NotModified)
    assert_type(bucket.get("k", if_match='"e"', if_none_match='"f"'), Object | NotModified)
    assert_type(bucket.get("k").read(), bytes)
    assert_type(bucket.head("k"), Head)
    assert_type(bucket.head("k", if_modified_since=NOW), Head | NotModified)
    assert_type(bucket.exists("k"), bool)
    assert_type(bucket.tags("k"), dict[str, str])
    assert_type(bucket.list(), Iterator[Entry | Folder])


def writes(bucket: Bucket) -> None:
    assert_type(bucket.put("k", b"", forbid_overwrite=True), PutResult)
    assert_type(bucket.append("k", b"", position=0), AppendResult)
    assert_type(bucket.copy("a", "b"), PutResult)
    assert_type(bucket.copy("a", "b", if_match='"e"'), PutResult)
    assert_type(bucket.copy("a", "b", if_none_match='"e"'), PutResult | NotModified)
    assert_type(bucket.presign_get("k"), SignedUrl)
    bucket.put("k", b"", if_match='"e"')  # type: ignore[arg-type]  # OSS knows no such put


def transfers(bucket: Bucket) -> None:
    assert_type(bucket.download("k", "path"), Downloaded)
    assert_type(bucket.download("k", "path", if_match='"e"'), Downloaded)
    assert_type(bucket.download("k", "path", if_none_match='"e"'), Downloaded | NotModified)
    assert_type(bucket.upload("path", "k"), PutResult)


def leases(bucket: Bucket) -> None:
    assert_type(connect("https://sts.example.com", grant="g", token="t"), Bucket)
    assert_type(leases_from(["https://a", "https://b"], grant="g", token=lambda: "t"), Provider)
    assert_type(bucket.provider.lease(), Lease)
    assert_type(bucket.provider.credentials(), Credentials)
