"""alibabacloud-oss-v2, unmodified, as its users write it, against the sandbox."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import alibabacloud_oss_v2 as oss
import pytest
from alibabacloud_oss_v2.exceptions import OperationError
from alibabacloud_oss_v2.transport import RequestsHttpClient

from sts_server.sandbox import Sandbox

ODD_NAME = "users/alice/a b+中%2F#?.txt"


@pytest.fixture
def config(sandbox: Sandbox, lease: dict[str, str]) -> Iterator[oss.config.Config]:
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"]
    )
    with RequestsHttpClient() as config.http_client:
        yield config


@pytest.fixture
def client(config: oss.config.Config) -> oss.Client:
    return oss.Client(config)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"users/alice/v2/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"


@pytest.fixture
def bucket(sandbox: Sandbox) -> str:
    return sandbox.bucket


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(OperationError) as caught:
        call()
    error = caught.value.unwrap()
    return error.status_code, error.code


@pytest.mark.parametrize("key", ["users/alice/plain.txt", ODD_NAME, "users/alice//a/b"])
def test_an_object_comes_back_as_it_went(client: oss.Client, bucket: str, key: str) -> None:
    put = client.put_object(
        oss.PutObjectRequest(
            bucket=bucket,
            key=key,
            body=b"hello",
            content_type="text/x-plain",
            metadata={"author": "alice"},
        )
    )
    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key=key))
    assert got.body.read() == b"hello"
    assert got.content_type == "text/x-plain"
    assert got.metadata == {"author": "alice"}
    assert got.hash_crc64 == put.hash_crc64
    head = client.head_object(oss.HeadObjectRequest(bucket=bucket, key=key))
    assert (head.content_length, head.etag) == (len(b"hello"), put.etag)


def test_signing_additional_headers_too(sandbox: Sandbox, config: oss.config.Config) -> None:
    config.additional_headers = ["range", "host", "content-length"]
    client = oss.Client(config)
    request = oss.PutObjectRequest(bucket=sandbox.bucket, key="users/alice/v2-more", body=b"12345")
    client.put_object(request)
    got = client.get_object(
        oss.GetObjectRequest(
            bucket=sandbox.bucket, key="users/alice/v2-more", range_header="bytes=1-2"
        )
    )
    assert got.body.read() == b"23"


def test_a_large_body_streams_through(client: oss.Client, bucket: str, name: str) -> None:
    body = bytes(range(256)) * 65536 + b"tail"
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=body))
    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key=name))
    assert hashlib.sha256(got.body.read()).digest() == hashlib.sha256(body).digest()


def test_a_deleted_object_is_gone(client: oss.Client, bucket: str, name: str) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=b"x"))
    deleted = client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key=name))
    assert deleted.status_code == 204
    get = oss.GetObjectRequest(bucket=bucket, key=name)
    head = oss.HeadObjectRequest(bucket=bucket, key=name)
    assert refusal(lambda: client.get_object(get)) == (404, "NoSuchKey")
    assert refusal(lambda: client.head_object(head)) == (404, "NoSuchKey")


def shifted(field: str, seconds: int) -> Callable[[Any], dict[str, str]]:
    def build(head: Any) -> dict[str, str]:
        moment = head.last_modified + timedelta(seconds=seconds)
        return {field: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    return build


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        (lambda head: {"if_match": head.etag}, 200),
        (lambda _: {"if_none_match": '"0123"'}, 200),
        (shifted("if_modified_since", -1), 200),
        (shifted("if_unmodified_since", 0), 200),
        (lambda _: {"if_match": '"0123"'}, 412),
        (shifted("if_unmodified_since", -1), 412),
        (lambda head: {"if_none_match": head.etag}, 304),
        (shifted("if_modified_since", 0), 304),
    ],
)
@pytest.mark.parametrize("verb", ["get", "head"])
def test_the_four_conditions(
    client: oss.Client, bucket: str, name: str, verb: str, fields: Any, outcome: int
) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=b"x"))
    head = client.head_object(oss.HeadObjectRequest(bucket=bucket, key=name))
    kind = {"get": oss.GetObjectRequest, "head": oss.HeadObjectRequest}[verb]
    request = kind(bucket=bucket, key=name, **fields(head))
    call = getattr(client, f"{verb}_object")
    if outcome == 200:
        answer = call(request)
        assert answer.status_code == 200
        if verb == "get":
            assert answer.body.read() == b"x"
    else:
        assert refusal(lambda: call(request))[0] == outcome


def test_a_write_may_refuse_to_overwrite(client: oss.Client, bucket: str, name: str) -> None:
    def put(body: bytes, *, forbid: bool) -> oss.PutObjectRequest:
        return oss.PutObjectRequest(bucket=bucket, key=name, body=body, forbid_overwrite=forbid)

    client.put_object(put(b"first", forbid=True))
    second = put(b"second", forbid=True)
    assert refusal(lambda: client.put_object(second)) == (409, "FileAlreadyExists")
    got = client.get_object(oss.GetObjectRequest(bucket=bucket, key=name))
    assert got.body.read() == b"first"


@pytest.mark.parametrize(
    ("range_header", "behavior", "status", "body"),
    [
        ("bytes=2-4", None, 206, b"234"),
        ("bytes=-3", None, 206, b"789"),
        ("bytes=7-99", None, 200, b"0123456789"),
        ("bytes=7-99", "standard", 206, b"789"),
        ("bytes=-99", "standard", 206, b"0123456789"),
    ],
)
def test_ranges(
    client: oss.Client,
    bucket: str,
    name: str,
    range_header: str,
    behavior: str | None,
    status: int,
    body: bytes,
) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=b"0123456789"))
    got = client.get_object(
        oss.GetObjectRequest(
            bucket=bucket, key=name, range_header=range_header, range_behavior=behavior
        )
    )
    assert (got.status_code, got.body.read()) == (status, body)


def test_a_standard_range_behind_the_end_is_refused(
    client: oss.Client, bucket: str, name: str
) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=name, body=b"0123456789"))
    request = oss.GetObjectRequest(
        bucket=bucket, key=name, range_header="bytes=10-", range_behavior="standard"
    )
    assert refusal(lambda: client.get_object(request)) == (416, "InvalidRange")


def test_listing_pages_and_folders(client: oss.Client, bucket: str) -> None:
    root = "users/alice/v2-list/"
    keys = [f"{root}{name}" for name in ("a", "b/1", "b/2", "c d+%", "line\nfeed", "中/x")]
    for key in keys:
        client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b"x"))
    pages = client.list_objects_v2_paginator()
    every = pages.iter_page(oss.ListObjectsV2Request(bucket=bucket, prefix=root, max_keys=2))
    assert [item.key for page in every for item in page.contents] == keys
    found: list[str] = []
    folders = oss.ListObjectsV2Request(bucket=bucket, prefix=root, delimiter="/", max_keys=2)
    for page in pages.iter_page(folders):
        found += [item.key for item in page.contents or []]
        found += [item.prefix for item in page.common_prefixes or []]
    assert sorted(found) == sorted(
        f"{root}{name}" for name in ("a", "b/", "c d+%", "line\nfeed", "中/")
    )


def test_files_go_up_and_come_down(
    client: oss.Client, bucket: str, name: str, tmp_path: Any
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789" * 1000)
    client.put_object_from_file(oss.PutObjectRequest(bucket=bucket, key=name), str(source))
    client.get_object_to_file(oss.GetObjectRequest(bucket=bucket, key=name), str(target))
    assert target.read_bytes() == source.read_bytes()
