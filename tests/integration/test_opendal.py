"""opendal, its Python package, unmodified, with its oss service: V1, virtual host and path style.

Its HTTP client takes no resolver but `http_proxy`: every host leads to the sandbox, and it uses the
default endpoint. By path style, at plain `http://127.0.0.1:PORT`, all works but what is asked of the
bucket itself: it signs `/examplebucket` where OSS wants `/examplebucket/` ("Include a V1 signature":
the resource of a bucket ends in a slash).

While it lists, it lets no other thread of this process run: what it talks to must be another one.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import oss2
import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket
from tests.integration.signed import Lease

opendal = pytest.importorskip("opendal", reason="opendal of judges.lock is not installed")

ENDPOINT = "http://oss-cn-hangzhou.aliyuncs.com"
NAME = "ä b+c.txt"
Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """Make operators on a folder that is the sandbox's own until the end of this module."""
    # opendal's one HTTP client reads these when it is first used, and never again.
    with pytest.MonkeyPatch.context() as environ:
        for name in ("http_proxy", "HTTP_PROXY"):
            environ.setenv(name, sandbox.endpoint)
        for name in ("no_proxy", "NO_PROXY"):
            environ.setenv(name, "127.0.0.1")

        def one(lease: Lease, **changes: str) -> Any:
            wish = {
                "endpoint": ENDPOINT,
                "bucket": sandbox.bucket,
                "root": "/users/alice/opendal/",
                "access_key_id": lease["AccessKeyId"],
                "access_key_secret": lease["AccessKeySecret"],
                "security_token": lease["SecurityToken"],
                **changes,
            }
            return opendal.Operator("oss", **wish)

        yield one


@pytest.fixture(scope="module")
def operator(connect: Connect, sandbox: Sandbox) -> Iterator[Any]:
    """The operator of who may do all with the bucket; what it made is removed in the end."""
    operator = connect(whole_bucket(sandbox))
    yield operator
    operator.remove_all("/")
    assert list(operator.list("/")) == []


@pytest.fixture(scope="module")
def there(operator: Any) -> Any:
    """The metadata of an object that is there."""
    operator.write(
        NAME,
        b"hello",
        content_type="text/x-a",
        cache_control="no-store",
        user_metadata={"who": "me"},
    )
    return operator.stat(NAME)


def test_what_was_written_is_read(operator: Any, there: Any) -> None:
    assert operator.read(NAME) == b"hello"
    assert operator.read(NAME, offset=1, size=3) == b"ell"
    assert (there.content_length, there.content_type) == (5, "text/x-a")
    assert there.etag == '"5D41402ABC4B2A76B9719D911017C592"'
    assert there.content_md5 == "XUFAKrxLKna5cZ2REBfFkg=="
    assert there.user_metadata == {"who": "me"}


def test_conditions_of_a_read(operator: Any, there: Any) -> None:
    now, past = there.last_modified, there.last_modified - timedelta(minutes=1)
    for holds in (
        {"if_match": there.etag},
        {"if_none_match": '"0"'},
        {"if_modified_since": past},
        {"if_unmodified_since": now},
    ):
        assert operator.read(NAME, **holds) == b"hello"
    for fails in (
        {"if_match": '"0"'},
        {"if_none_match": there.etag},
        {"if_modified_since": now},
        {"if_unmodified_since": past},
    ):
        with pytest.raises(opendal.exceptions.ConditionNotMatch):
            operator.read(NAME, **fails)
    for fails in ({"if_match": '"0"'}, {"if_none_match": there.etag}):
        with pytest.raises(opendal.exceptions.ConditionNotMatch):
            operator.stat(NAME, **fails)


def test_a_write_that_must_create(operator: Any) -> None:
    operator.write("once", b"first", if_not_exists=True)
    with pytest.raises(opendal.exceptions.ConditionNotMatch, match="FileAlreadyExists"):
        operator.write("once", b"second", if_not_exists=True)
    assert operator.read("once") == b"first"


def test_large_and_growing_objects(operator: Any) -> None:
    body = bytes(range(256)) * 3000
    operator.write("large", body, chunk=128 * 1024, concurrent=3)
    assert operator.read("large") == body
    assert operator.stat("large").etag.endswith('-6"')
    for line in (b"one\n", b"two\n"):
        operator.write("log", line, append=True)
    assert operator.read("log") == b"one\ntwo\n"
    with operator.open("file", "wb") as file:
        file.write(b"abc")
        file.write(b"def")
    with operator.open("file", "rb") as file:
        file.seek(2)
        assert file.read() == b"cdef"


def paths(entries: Any) -> list[str]:
    return [entry.path for entry in entries]


def test_listings(operator: Any) -> None:
    operator.create_dir("list/")
    for name in ("a", "b/c", "b/d", "e+ü"):
        operator.write(f"list/{name}", b"")
    assert paths(operator.list("list/")) == ["list/b/", "list/", "list/a", "list/e+ü"]
    every = ["list/", "list/a", "list/b/c", "list/b/d", "list/e+ü"]
    assert paths(operator.scan("list/")) == every
    assert paths(operator.list("list/", recursive=True, limit=2)) == every
    assert paths(operator.list("list/", recursive=True, start_after="list/b/c")) == every[3:]
    operator.remove_all("list/b/")
    assert paths(operator.scan("list/")) == ["list/", "list/a", "list/e+ü"]


def test_copy_and_delete(operator: Any, there: Any) -> None:
    operator.copy(NAME, "copy")
    assert operator.stat("copy").etag == there.etag
    operator.delete("copy")
    assert not operator.exists("copy")
    with pytest.raises(opendal.exceptions.NotFound):
        operator.read("copy")


def test_versions(sandbox: Sandbox, connect: Connect) -> None:
    """Read and list by version, in a bucket that keeps them."""
    auth = oss2.Auth(sandbox.access_key_id, sandbox.access_key_secret)
    bucket = oss2.Bucket(auth, sandbox.endpoint, "opendal-versions", session=oss2.Session())
    bucket.create_bucket()
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    owner = {
        "AccessKeyId": sandbox.access_key_id,
        "AccessKeySecret": sandbox.access_key_secret,
        "SecurityToken": "",
    }
    operator = connect(owner, bucket="opendal-versions")
    operator.write("a", b"one")
    first = operator.stat("a").version
    operator.write("a", b"two")
    assert operator.read("a") == b"two"
    assert operator.read("a", version=first) == b"one"
    operator.delete("a")
    assert not operator.exists("a")
    assert paths(operator.list("/", versions=True)) == ["a", "a"]
    listed = bucket.list_object_versions()
    for item in [*listed.versions, *listed.delete_marker]:
        bucket.delete_object(item.key, params={"versionId": item.versionid})
    bucket.delete_bucket()
    bucket.session.session.close()


def test_the_async_operator(sandbox: Sandbox, operator: Any, there: Any) -> None:
    async def use() -> tuple[Any, ...]:
        same = operator.to_async_operator()
        await same.write("async", b"hello")
        body = await same.read("async")
        found = [entry.path async for entry in await same.list("/") if entry.path == "async"]
        get = await same.presign_read("async", 60)
        put = await same.presign_write("presigned", 60)
        with pytest.raises(opendal.exceptions.ConditionNotMatch):
            await same.read("async", if_match='"0"')
        await same.delete("async.gone")
        return body, found, get, put

    assert there
    body, found, get, put = asyncio.run(use())
    assert (body, found) == (b"hello", ["async"])
    proxies = {"http": sandbox.endpoint}
    with requests.Session() as session:
        assert session.get(get.url, proxies=proxies, timeout=10).content == b"hello"
        assert session.get(f"{get.url}x", proxies=proxies, timeout=10).status_code == 403
        answer = session.put(put.url, data=b"from a URL", proxies=proxies, timeout=10)
        assert answer.status_code == 200
    assert operator.read("presigned") == b"from a URL"


def test_path_style(sandbox: Sandbox, connect: Connect, operator: Any, there: Any) -> None:
    plain = connect(whole_bucket(sandbox), endpoint=sandbox.endpoint, addressing_style="path")
    assert plain.stat(NAME).etag == there.etag
    plain.write("plain", b"plain")
    assert operator.read("plain") == b"plain"
    with pytest.raises(opendal.exceptions.PermissionDenied, match="SignatureDoesNotMatch"):
        list(plain.list("/"))


def test_what_is_refused(connect: Connect, lease: Lease) -> None:
    inside = connect(lease)
    inside.write("inside", b"")
    inside.delete("inside")
    denied = opendal.exceptions.PermissionDenied
    outside = connect(lease, root="/users/bob/")
    for call in (outside.read, outside.stat, outside.delete):
        with pytest.raises(denied):
            call("a")
    with pytest.raises(denied, match="AccessDenied"):
        outside.write("a", b"")
    with pytest.raises(denied, match="AccessDenied"):
        list(outside.list("/"))
    for change, code in (
        ({"access_key_secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"security_token": "wrong"}, "InvalidSecurityToken"),
        ({"access_key_id": "STS.nobody"}, "InvalidAccessKeyId"),
    ):
        with pytest.raises(denied, match=code):
            connect(lease, **change).read("inside")


def test_a_token_that_has_expired(connect: Connect, sandbox: Sandbox, own_lease: Lease) -> None:
    late = connect(own_lease)
    late.write("late", b"")
    sandbox.expire(own_lease["AccessKeyId"])
    with pytest.raises(opendal.exceptions.PermissionDenied, match="SecurityTokenExpired"):
        late.read("late")
