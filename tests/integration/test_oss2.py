"""oss2, unmodified, as its users write it, against the sandbox."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import oss2
import pytest

from sts_server.sandbox import Sandbox

ODD_NAME = "users/alice/a b+中%2F#?.txt"


@pytest.fixture
def bucket(sandbox: Sandbox, lease: dict[str, str]) -> Iterator[oss2.Bucket]:
    keys = (lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"])
    provider = oss2.credentials.StaticCredentialsProvider(*keys)
    auth = oss2.ProviderAuthV4(provider)
    session = oss2.Session()
    yield oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )
    session.session.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"users/alice/oss2/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("key", ["users/alice/plain.txt", ODD_NAME, "users/alice//a/../b/./c"])
def test_an_object_comes_back_as_it_went(bucket: oss2.Bucket, key: str) -> None:
    headers = {
        "Content-Type": "text/x-plain",
        "x-oss-meta-author": "alice",
        "Content-MD5": oss2.utils.content_md5(b"hello"),
        "Cache-Control": "no-cache",
        "Content-Disposition": "attachment",
    }
    put = bucket.put_object(key, b"hello", headers=headers)
    assert put.etag == hashlib.md5(b"hello", usedforsecurity=False).hexdigest().upper()
    got = bucket.get_object(key)
    assert got.read() == b"hello"
    assert got.client_crc == got.server_crc == put.crc
    assert got.headers["Content-Type"] == "text/x-plain"
    assert got.headers["x-oss-meta-author"] == "alice"
    assert got.headers["Cache-Control"] == "no-cache"
    assert got.headers["Content-Disposition"] == "attachment"
    assert bucket.head_object(key).content_length == len(b"hello")


def test_an_empty_object_is_an_object(bucket: oss2.Bucket, name: str) -> None:
    bucket.put_object(name, b"")
    assert bucket.get_object(name).read() == b""
    assert bucket.head_object(name).content_length == 0


def test_a_large_body_streams_through(bucket: oss2.Bucket, name: str) -> None:
    body = bytes(range(256)) * 65536 + b"tail"
    put = bucket.put_object(name, body)
    got = bucket.get_object(name)
    assert hashlib.sha256(got.read()).digest() == hashlib.sha256(body).digest()
    assert got.client_crc == put.crc


def test_a_body_of_unknown_length_arrives_in_chunks(bucket: oss2.Bucket, name: str) -> None:
    bucket.put_object(name, iter([b"one", b"two", b"three"]))
    assert bucket.get_object(name).read() == b"onetwothree"


def test_a_deleted_object_is_gone(bucket: oss2.Bucket, name: str) -> None:
    bucket.put_object(name, b"x")
    assert bucket.delete_object(name).status == 204
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object(name)
    with pytest.raises(oss2.exceptions.NotFound) as caught:
        bucket.head_object(name)
    assert caught.value.status == 404
    assert bucket.delete_object(name).status == 204


Moment = Callable[[Any], dict[str, str]]


def shifted(header: str, seconds: int) -> Moment:
    def build(head: Any) -> dict[str, str]:
        moment = parsedate_to_datetime(head.headers["Last-Modified"]) + timedelta(seconds=seconds)
        return {header: format_datetime(moment, usegmt=True)}

    return build


@pytest.mark.parametrize(
    "headers",
    [
        lambda head: {"If-Match": f'"{head.etag}"'},
        lambda head: {"If-Match": head.etag},
        lambda _: {"If-None-Match": '"0123"'},
        lambda _: {"If-Modified-Since": "not a date"},
        shifted("If-Modified-Since", -1),
        shifted("If-Unmodified-Since", 0),
    ],
)
@pytest.mark.parametrize("read", ["get_object", "head_object"])
def test_a_condition_that_is_met_lets_read(
    bucket: oss2.Bucket, name: str, read: str, headers: Moment
) -> None:
    bucket.put_object(name, b"x")
    answer = getattr(bucket, read)(name, headers=headers(bucket.head_object(name)))
    assert answer.status == 200
    if read == "get_object":
        assert answer.read() == b"x"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (lambda _: {"If-Match": '"0123"'}, oss2.exceptions.PreconditionFailed),
        (shifted("If-Unmodified-Since", -1), oss2.exceptions.PreconditionFailed),
        (lambda head: {"If-None-Match": f'"{head.etag}"'}, oss2.exceptions.NotModified),
        (shifted("If-Modified-Since", 0), oss2.exceptions.NotModified),
        (shifted("If-Modified-Since", 86400), oss2.exceptions.NotModified),
    ],
)
@pytest.mark.parametrize("read", ["get_object", "head_object"])
def test_a_condition_that_is_not_met_stops_it(
    bucket: oss2.Bucket, name: str, read: str, headers: Moment, error: type[Exception]
) -> None:
    bucket.put_object(name, b"x")
    head = bucket.head_object(name)
    with pytest.raises(error):
        getattr(bucket, read)(name, headers=headers(head))


def test_a_failed_condition_is_named(bucket: oss2.Bucket, name: str) -> None:
    bucket.put_object(name, b"x")
    with pytest.raises(oss2.exceptions.PreconditionFailed) as caught:
        bucket.get_object(name, headers={"If-Match": '"0123"'})
    assert caught.value.details["Condition"] == "If-Match"


def test_a_write_may_refuse_to_overwrite(bucket: oss2.Bucket, name: str) -> None:
    once = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object(name, b"first", headers=once)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_object(name, b"second", headers=once)
    assert (caught.value.status, caught.value.code) == (409, "FileAlreadyExists")
    assert bucket.get_object(name).read() == b"first"
    bucket.put_object(name, b"third")
    assert bucket.get_object(name).read() == b"third"


@pytest.mark.parametrize(
    ("byte_range", "standard", "status", "body"),
    [
        ((2, 4), False, 206, b"234"),
        ((7, None), False, 206, b"789"),
        ((None, 3), False, 206, b"789"),
        ((7, 99), False, 200, b"0123456789"),
        ((7, 99), True, 206, b"789"),
        ((10, None), False, 200, b"0123456789"),
    ],
)
def test_ranges(
    bucket: oss2.Bucket, name: str, byte_range: Any, *, standard: bool, status: int, body: bytes
) -> None:
    bucket.put_object(name, b"0123456789")
    headers = {"x-oss-range-behavior": "standard"} if standard else None
    got = bucket.get_object(name, byte_range=byte_range, headers=headers)
    assert (got.status, got.read()) == (status, body)


def test_a_standard_range_behind_the_end_is_refused(bucket: oss2.Bucket, name: str) -> None:
    bucket.put_object(name, b"0123456789")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object(name, byte_range=(10, None), headers={"x-oss-range-behavior": "standard"})
    assert (caught.value.status, caught.value.code) == (416, "InvalidRange")


def test_listing_pages_and_folders(bucket: oss2.Bucket) -> None:
    root = "users/alice/oss2-list/"
    keys = [f"{root}{name}" for name in ("a", "b/1", "b/2", "c d+%", "z", "中/x")]
    for key in keys:
        bucket.put_object(key, b"x")
    every = oss2.ObjectIteratorV2(bucket, prefix=root, max_keys=2)
    assert [item.key for item in every] == keys
    folders = oss2.ObjectIteratorV2(bucket, prefix=root, delimiter="/", max_keys=2)
    found = {item.key: item.is_prefix() for item in folders}
    assert found == {
        f"{root}a": False,
        f"{root}b/": True,
        f"{root}c d+%": False,
        f"{root}z": False,
        f"{root}中/": True,
    }


def test_listing_starts_after_a_key_and_shows_the_owner(bucket: oss2.Bucket) -> None:
    root = "users/alice/oss2-after/"
    for name in ("a", "b", "c"):
        bucket.put_object(root + name, b"x")
    page = bucket.list_objects_v2(prefix=root, start_after=f"{root}a", fetch_owner=True)
    assert [item.key for item in page.object_list] == [f"{root}b", f"{root}c"]
    assert page.object_list[0].owner.id
    assert page.object_list[0].etag == bucket.head_object(f"{root}b").etag
    assert not page.is_truncated
