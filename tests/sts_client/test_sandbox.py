"""The client against the sandbox, which checks signatures, tokens and policies as OSS does."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

import sts_client
from sts_client import Bucket, Folder, NotModified, errors
from sts_server.sandbox import Sandbox
from tests.sts_client.stage import BEARER, Asked, json_answer, serving

FORMAT = "%Y-%m-%dT%H:%M:%SZ"
POLICY = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["oss:GetObject", "oss:PutObject", "oss:DeleteObject"],
            "Resource": ["acs:oss:*:*:examplebucket/users/alice/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["oss:ListObjects"],
            "Resource": ["acs:oss:*:*:examplebucket"],
            "Condition": {"StringLike": {"oss:Prefix": ["users/alice/*"]}},
        },
    ],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def assume_role(sandbox: Sandbox) -> dict[str, Any]:
    """Get real session credentials with the official SDK."""
    client = AcsClient(sandbox.access_key_id, sandbox.access_key_secret, sandbox.region)
    request = AssumeRoleRequest()
    request.set_protocol_type("http")
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_RoleArn(sandbox.role_arn)
    request.set_RoleSessionName("alice")
    request.set_Policy(json.dumps(POLICY))
    credentials: dict[str, Any] = json.loads(client.do_action_with_exception(request))[
        "Credentials"
    ]
    return credentials


@contextmanager
def vended(sandbox: Sandbox) -> Iterator[tuple[Bucket, list[Asked]]]:
    """Connect through a vending server that has nothing but its wire."""

    def answer(_: Asked) -> object:
        credentials = assume_role(sandbox)
        now = sandbox.now().astimezone(UTC)
        terms = {
            "Bucket": sandbox.bucket,
            "Region": sandbox.region,
            "Endpoint": sandbox.endpoint,
            "Style": "path",
            "Prefix": "users/alice/",
            "Actions": ["get", "put", "list", "delete"],
            "RefreshAfter": (now + timedelta(minutes=30)).strftime(FORMAT),
            "ServerTime": datetime.now(UTC).strftime(FORMAT),
        }
        names = ("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")
        body = {name: credentials[name] for name in names}
        return {"LastUpdated": now.strftime(FORMAT), **body, "Lease": terms}

    with (
        serving(lambda asked: json_answer(answer(asked))) as stage,
        sts_client.connect(stage.url, grant="uploads", token=BEARER) as bucket,
    ):
        yield bucket, stage.asked


@pytest.fixture(scope="module")
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    with vended(sandbox) as (opened, _):
        yield opened


def test_write_and_read(bucket: Bucket) -> None:
    result = bucket.put(
        "users/alice/report.csv", b"a,b\n1,2\n", content_type="text/csv", metadata={"author": "al"}
    )
    found = bucket.get("users/alice/report.csv")
    assert found.read() == b"a,b\n1,2\n"
    assert (found.etag, found.size, found.content_type) == (result.etag, 8, "text/csv")
    assert dict(found.metadata) == {"author": "al"}
    assert found.head.crc64 == result.crc64
    head = bucket.head("users/alice/report.csv")
    assert (head.etag, head.last_modified) == (found.etag, found.last_modified)


def test_the_four_conditions(bucket: Bucket) -> None:
    key = "users/alice/conditions"
    bucket.put(key, b"one")
    first = bucket.get(key)
    assert first.last_modified is not None
    earlier, later = (first.last_modified + timedelta(days=days) for days in (-1, 1))
    for call in (bucket.get, bucket.head):
        assert isinstance(call(key, if_none_match=first.etag), NotModified)
        assert isinstance(call(key, if_modified_since=first.last_modified), NotModified)
        assert not isinstance(call(key, if_modified_since=earlier), NotModified)
        assert not isinstance(call(key, if_none_match='"0"'), NotModified)
        call(key, if_match=first.etag, if_unmodified_since=later)
        with pytest.raises(errors.PreconditionFailed):
            call(key, if_match='"0"')
        with pytest.raises(errors.PreconditionFailed):
            call(key, if_unmodified_since=earlier)


def test_create_only(bucket: Bucket) -> None:
    bucket.put("users/alice/once", b"one", forbid_overwrite=True)
    with pytest.raises(errors.FileAlreadyExists):
        bucket.put("users/alice/once", b"two", forbid_overwrite=True)
    assert bucket.get("users/alice/once").read() == b"one"


def test_ranges(bucket: Bucket) -> None:
    bucket.put("users/alice/range", b"0123456789")
    assert bucket.get("users/alice/range", byte_range=(2, 4)).read() == b"234"
    assert bucket.get("users/alice/range", byte_range=(8, 99)).read() == b"89"
    assert bucket.get("users/alice/range", byte_range=(8, None)).size == 10
    with pytest.raises(errors.InvalidRange):
        bucket.get("users/alice/range", byte_range=(10, None))


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "./here",
        "a//b",
        "a%2Fb",
        "?q=1",
        "#f",
        "a b+c~*'",
        "中/文",
        "\U0001f600",
        "a\x01\r\nb",
    ],
)
def test_any_name_is_a_name(bucket: Bucket, name: str) -> None:
    key = f"users/alice/names/{name}"
    bucket.put(key, name.encode())
    assert bucket.get(key).read() == name.encode()
    assert [entry.key for entry in bucket.list(key) if not isinstance(entry, Folder)] == [key]
    bucket.delete(key)
    with pytest.raises(errors.NoSuchKey):
        bucket.head(key)


def test_all_kinds_of_data(bucket: Bucket) -> None:
    data = bytes(range(256)) * 4096
    for source in (data, io.BytesIO(data), iter([data[:7], data[7:]])):
        bucket.put("users/alice/data", source)
        assert b"".join(bucket.get("users/alice/data")) == data


def test_a_listing_of_several_pages(bucket: Bucket) -> None:
    for number in range(1005):
        bucket.put(f"users/alice/many/{number:04}", b"")
    bucket.put("users/alice/many/folder/x", b"")
    listing = list(bucket.list("users/alice/many/", delimiter="/"))
    assert len(listing) == 1006
    assert listing[-1] == Folder("users/alice/many/folder/")


def test_nothing_outside_the_prefix(bucket: Bucket) -> None:
    for call in (bucket.get, bucket.head, bucket.delete, lambda key: bucket.put(key, b"")):
        with pytest.raises(errors.AccessDenied):
            call("users/bob/report.csv")
    with pytest.raises(errors.AccessDenied):
        list(bucket.list("users/"))


def test_an_expired_lease_is_replaced_and_nobody_notices(sandbox: Sandbox) -> None:
    with vended(sandbox) as (bucket, asked):
        bucket.put("users/alice/before", b"one")
        first = bucket.provider.credentials().access_key_id
        sandbox.expire(first)
        assert bucket.get("users/alice/before").read() == b"one"
        assert bucket.provider.credentials().access_key_id != first
    assert [one.target.partition("?")[2] for one in asked] == ["", f"refused={first}"]


def test_a_lease_that_dies_under_many_threads_is_replaced_once(sandbox: Sandbox) -> None:
    with vended(sandbox) as (bucket, asked), ThreadPoolExecutor(16) as pool:
        bucket.put("users/alice/shared", b"one")
        reads = [pool.submit(lambda: bucket.get("users/alice/shared").read()) for _ in range(50)]
        sandbox.expire(bucket.provider.credentials().access_key_id)
        reads += [pool.submit(lambda: bucket.get("users/alice/shared").read()) for _ in range(150)]
        assert {read.result(30) for read in reads} == {b"one"}
    assert len(asked) == 2
