"""What a bucket can do besides get and put, against the sandbox, which enforces as OSS does."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sts_client import Bucket, NotModified, errors
from sts_client.objects import Objects, operations
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import opened


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    """A bucket whose lease allows all that the role does."""
    sandbox.reset()
    with opened(sandbox) as bucket:
        yield bucket


def test_exists(bucket: Bucket) -> None:
    assert not bucket.exists("a")
    bucket.put("a", b"")
    assert bucket.exists("a")


def test_the_type_is_guessed_from_the_name_and_can_be_said(bucket: Bucket) -> None:
    for key, said, found in [
        ("a.csv", None, "text/csv"),
        ("a.html", None, "text/html"),
        ("a", None, "application/octet-stream"),
        ("a.csv", "text/x-own", "text/x-own"),
    ]:
        bucket.put(key, b"", content_type=said)
        assert bucket.head(key).content_type == found


def test_many_are_deleted_with_few_requests(bucket: Bucket, sandbox: Sandbox) -> None:
    names = ["plain", "a&b<c>'\"", "dir/中 文+.txt", "line\nbreak\ttab\x01", " blank ", "%2F"]
    for name in names:
        bucket.put(name, b"")
    bucket.put("stays", b"")
    assert bucket.delete_many([*names, "not there"]) == 7
    assert [entry.key for entry in bucket.list("") if hasattr(entry, "key")] == ["stays"]
    assert bucket.delete_many(f"gone-{number}" for number in range(2001)) == 2001
    seen = [it for it in sandbox.requests() if it["operation"] == "DeleteMultipleObjects"]
    assert len(seen) == 4
    assert bucket.delete_many([]) == 0


def test_one_text_is_no_list_of_names(bucket: Bucket) -> None:
    bucket.put("a", b"")
    with pytest.raises(errors.UsageError):
        bucket.delete_many("abc")
    assert bucket.exists("a")


def test_append_grows_where_it_ends_and_nowhere_else(bucket: Bucket) -> None:
    first = bucket.append("log.txt", b"one", position=0, metadata={"by": "alice"})
    assert first.next_position == 3
    second = bucket.append("log.txt", b"two", position=first.next_position)
    assert second.next_position == 6
    assert bucket.get("log.txt").read() == b"onetwo"
    assert bucket.head("log.txt").crc64 == second.crc64
    assert bucket.head("log.txt").metadata == {"by": "alice"}
    with pytest.raises(errors.PositionNotEqualToLength) as caught:
        bucket.append("log.txt", b"x", position=5)
    assert caught.value.next_position == 6
    bucket.put("put.txt", b"abc")
    with pytest.raises(errors.ObjectNotAppendable):
        bucket.append("put.txt", b"x", position=3)
    with pytest.raises(errors.UsageError):
        bucket.append("log.txt", b"x", position=-1)


def test_a_damaged_append_is_noticed(bucket: Bucket, sandbox: Sandbox) -> None:
    sandbox.fault(operation="AppendObject", nth=1, wrong_crc=True)
    with pytest.raises(errors.ChecksumMismatch):
        bucket.append("log.txt", b"one", position=0)


def test_a_copy_keeps_what_it_is_not_told(bucket: Bucket) -> None:
    put = bucket.put("dir/中 a+b.csv", b"a,b", metadata={"by": "alice"})
    copied = bucket.copy("dir/中 a+b.csv", "copy.bin")
    assert copied.etag == put.etag
    head = bucket.head("copy.bin")
    assert (head.content_type, head.metadata, head.size) == ("text/csv", {"by": "alice"}, 3)
    bucket.copy("copy.bin", "copy.bin", metadata={"by": "bob"}, content_type="text/plain")
    head = bucket.head("copy.bin")
    assert (head.content_type, head.metadata) == ("text/plain", {"by": "bob"})


def test_a_copy_has_the_conditions_of_a_read_on_its_source(bucket: Bucket) -> None:
    etag = bucket.put("a", b"abc").etag
    past, future = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    assert isinstance(bucket.copy("a", "b", if_none_match=etag), NotModified)
    assert isinstance(bucket.copy("a", "b", if_modified_since=future), NotModified)
    for condition in ({"if_match": '"OTHER"'}, {"if_unmodified_since": past}):
        with pytest.raises(errors.PreconditionFailed):
            bucket.copy("a", "b", **condition)
    assert not bucket.exists("b")
    bucket.copy("a", "b", if_match=etag, if_modified_since=past)
    with pytest.raises(errors.FileAlreadyExists):
        bucket.copy("a", "b", forbid_overwrite=True)
    with pytest.raises(errors.NoSuchKey):
        bucket.copy("none", "b")


def test_a_link_stands_for_what_it_leads_to(bucket: Bucket) -> None:
    bucket.put("dir/a b+中.txt", b"abc")
    with closing(Objects(bucket.provider)) as objects:
        objects.run(operations.link("link", "dir/a b+中.txt", {}))
        assert bucket.get("link").read() == b"abc"
        with pytest.raises(errors.FileAlreadyExists):
            objects.run(operations.link("link", "else", {"x-oss-forbid-overwrite": "true"}))
    assert bucket.get("link").read() == b"abc"


def test_tags_come_and_go(bucket: Bucket) -> None:
    bucket.put("a", b"")
    assert bucket.tags("a") == {}
    bucket.set_tags("a", {"team": "blue", "a+b": "x/y=z"})
    assert bucket.tags("a") == {"team": "blue", "a+b": "x/y=z"}
    bucket.set_tags("a", {})
    assert bucket.tags("a") == {}
    with pytest.raises(errors.UsageError):
        bucket.set_tags("a", {str(number): "" for number in range(11)})


def test_whoever_has_a_signed_url_may_read_and_nothing_else(bucket: Bucket) -> None:
    bucket.put("dir/中 a+b.txt", b"abc")
    link = bucket.presign_get("dir/中 a+b.txt", save_as='我的 "file".txt')
    answer = requests.get(link.url, headers=dict(link.headers), timeout=10)
    assert answer.content == b"abc"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E6")
    assert requests.put(link.url, data=b"", timeout=10).status_code == 403
    assert requests.delete(link.url, timeout=10).status_code == 403
    assert requests.get(link.url.replace("b.txt", "c.txt"), timeout=10).status_code == 403
    assert link.url not in repr(link)


def test_the_conditions_of_a_signed_url_are_under_the_signature(bucket: Bucket) -> None:
    etag = bucket.put("a", b"abc").etag
    link = bucket.presign_get("a", if_none_match=etag)
    assert requests.get(link.url, headers=dict(link.headers), timeout=10).status_code == 304
    assert requests.get(link.url, timeout=10).status_code == 403
    changed = {"If-None-Match": '"other"'}
    assert requests.get(link.url, headers=changed, timeout=10).status_code == 403


def test_a_signed_put_takes_what_it_names(bucket: Bucket) -> None:
    link = bucket.presign_put("new.txt", content_type="text/plain", forbid_overwrite=True)
    for status in (200, 409):
        sent = requests.put(link.url, data=b"abc", headers=dict(link.headers), timeout=10)
        assert sent.status_code == status
    other = {**link.headers, "Content-Type": "text/html"}
    assert requests.put(link.url, data=b"abc", headers=other, timeout=10).status_code == 403
    assert bucket.head("new.txt").content_type == "text/plain"


def test_a_signed_url_never_outlives_its_lease(bucket: Bucket) -> None:
    expiry = bucket.provider.lease().expiry
    link = bucket.presign_get("a", seconds=7 * 24 * 3600)
    assert expiry - 5 < link.expires.timestamp() <= expiry
    soon = bucket.presign_get("a", seconds=60).expires
    assert timedelta(seconds=50) < soon - datetime.now(UTC) <= timedelta(seconds=60)
    for seconds in (0, -1, 7 * 24 * 3600 + 1):
        with pytest.raises(errors.UsageError):
            bucket.presign_get("a", seconds=seconds)


def test_a_clock_that_is_off_for_one_request_is_right_for_the_next(
    bucket: Bucket, sandbox: Sandbox
) -> None:
    for _ in range(3):
        sandbox.fault(operation="PutObject", skew=3600)
        with pytest.raises(errors.RequestTimeTooSkewed):
            bucket.put("a", bytes(5_000_000))  # so large that its connection is slowed down
        sandbox.clear_faults()
        bucket.put("a", b"abc")
