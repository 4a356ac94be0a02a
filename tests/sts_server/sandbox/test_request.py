"""Requests are read as they arrived: decoded once, never normalised, never ambiguous."""

from typing import Any

import pytest

from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.request import OssRequest, read_request


def read(
    path: bytes, query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> OssRequest:
    scope: dict[str, Any] = {
        "method": "GET",
        "scheme": "http",
        "raw_path": path,
        "query_string": query,
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
    }
    return read_request(scope)


@pytest.mark.parametrize(
    ("path", "bucket", "key"),
    [
        (b"/", "", ""),
        (b"/bkt", "bkt", ""),
        (b"/bkt/", "bkt", ""),
        (b"/bkt/a/b", "bkt", "a/b"),
        (b"/bkt/a%2Fb", "bkt", "a/b"),
        (b"/bkt/a%252Fb", "bkt", "a%2Fb"),
        (b"/bkt/a//b/../c/./d", "bkt", "a//b/../c/./d"),
        (b"/bkt/a+b%20c", "bkt", "a+b c"),
        (b"/bkt/%E4%B8%AD", "bkt", "中"),
        (b"/bkt/%zz", "bkt", "%zz"),
        (b"/bkt/a%00b", "bkt", "a\x00b"),
        (b"/bkt/" + b"x" * 1023, "bkt", "x" * 1023),
    ],
)
def test_names(path: bytes, bucket: str, key: str) -> None:
    request = read(path)
    assert (request.bucket, request.key) == (bucket, key)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"/Bkt/a", "InvalidBucketName"),
        (b"/b%6Bt/a", "InvalidBucketName"),
        (b"/-bkt/a", "InvalidBucketName"),
        (b"/bk/a", "InvalidBucketName"),
        (b"/" + b"b" * 64, "InvalidBucketName"),
        (b"/bkt//a", "InvalidObjectName"),
        (b"/bkt/%2Fa", "InvalidObjectName"),
        (b"/bkt/%5Ca", "InvalidObjectName"),
        (b"/bkt/%FF", "InvalidObjectName"),
        (b"/bkt/" + b"x" * 1024, "InvalidObjectName"),
        (b"/bkt/" + b"%E4%B8%AD" * 342, "InvalidObjectName"),
    ],
)
def test_illegal_names(path: bytes, code: str) -> None:
    with pytest.raises(OssError) as caught:
        read(path)
    assert caught.value.code == code


def test_query_values_keep_blanks_and_read_plus_as_space() -> None:
    request = read(b"/bkt", b"acl&prefix=&delimiter=a+b%2B")
    assert request.query == {"acl": "", "prefix": "", "delimiter": "a b+"}


@pytest.mark.parametrize("query", [b"a=1&a=2", b"a&a", b"a=%FF", b"a=\xff"])
def test_a_query_that_could_be_read_two_ways(query: bytes) -> None:
    with pytest.raises(OssError):
        read(b"/bkt", query)


@pytest.mark.parametrize("name", [b"x-oss-date", b"Authorization", b"If-Match", b"Content-MD5"])
def test_a_header_that_occurs_twice(name: bytes) -> None:
    with pytest.raises(OssError):
        read(b"/bkt", headers=((name, b"1"), (name.lower(), b"2")))


def test_bytes_in_headers_survive() -> None:
    request = read(b"/bkt", headers=((b"x-oss-meta-a", b" \xff\xe4\xb8\xad "),))
    assert request.headers["x-oss-meta-a"].encode(errors="surrogateescape") == b"\xff\xe4\xb8\xad"
