"""V1 in headers and URLs of either version, made by oss2 and alibabacloud-oss-v2, unmodified."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from alibabacloud_oss_v2.exceptions import OperationError
from alibabacloud_oss_v2.transport import RequestsHttpClient

from sts_server.sandbox import Sandbox
from tests.integration.signed import Answer

KEY = "users/alice/url/a b+中%2F#?.txt"
Lease = dict[str, str]


def keys(lease: Lease) -> tuple[str, str, str]:
    return lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"]


@pytest.fixture
def old(sandbox: Sandbox) -> Iterator[Callable[[Any], oss2.Bucket]]:
    """Make buckets of oss2; all its auths are V1 unless they say otherwise."""
    session = oss2.Session()
    yield lambda auth: oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, session=session, region=sandbox.region
    )
    session.session.close()


@pytest.fixture
def new(sandbox: Sandbox) -> Iterator[Callable[[str, Lease], oss.Client]]:
    """Make clients of alibabacloud-oss-v2."""
    with RequestsHttpClient() as http:

        def connect(version: str, lease: Lease) -> oss.Client:
            config = oss.config.load_default()
            config.region, config.endpoint = sandbox.region, sandbox.endpoint
            config.signature_version, config.http_client = version, http
            config.credentials_provider = oss.credentials.StaticCredentialsProvider(*keys(lease))
            return oss.Client(config)

        yield connect


def test_oss2_as_most_of_its_users_write_it(
    sandbox: Sandbox, lease: Lease, old: Callable[[Any], oss2.Bucket]
) -> None:
    for auth in (
        oss2.StsAuth(*keys(lease)),
        oss2.Auth(sandbox.access_key_id, sandbox.access_key_secret),
    ):
        bucket = old(auth)
        headers = {"x-oss-meta-author": "alice", "Content-MD5": oss2.utils.content_md5(b"v1")}
        bucket.put_object(KEY, b"v1", headers=headers)
        got = bucket.get_object(KEY, byte_range=(0, 0), params={"response-content-type": "a/b"})
        assert (got.read(), got.headers["Content-Type"]) == (b"v", "a/b")
        assert KEY in [item.key for item in oss2.ObjectIteratorV2(bucket, prefix="users/alice/url")]
        bucket.delete_object(KEY)


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_alibabacloud_oss_v2(lease: Lease, new: Callable[..., oss.Client], version: str) -> None:
    client = new(version, lease)
    wish = {"bucket": "examplebucket", "key": KEY}
    client.put_object(oss.PutObjectRequest(**wish, body=b"v", metadata={"author": "alice"}))
    assert client.get_object(oss.GetObjectRequest(**wish)).body.content == b"v"
    listing = oss.ListObjectsV2Request(bucket="examplebucket", prefix="users/alice/url/")
    assert client.list_objects_v2(listing).key_count == 1
    client.delete_object(oss.DeleteObjectRequest(**wish))


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_a_key_with_dots_is_changed_before_it_is_sent(
    lease: Lease, new: Callable[..., oss.Client], version: str
) -> None:
    """A limit of alibabacloud-oss-v2: urllib3 removes `.` and `..` after the name was signed."""
    request = oss.GetObjectRequest(bucket="examplebucket", key="users/alice/a/../b")
    with pytest.raises(OperationError) as caught:
        new(version, lease).get_object(request)
    assert caught.value.unwrap().code == "SignatureDoesNotMatch"


def auth_of(version: str, lease: Lease) -> Any:
    return oss2.StsAuth(*keys(lease), auth_version=version)


def refusal(answer: requests.Response) -> Answer:
    code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
    return answer.status_code, code, answer.headers["x-oss-ec"]


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_urls_of_oss2(lease: Lease, old: Callable[[Any], oss2.Bucket], version: str) -> None:
    bucket = old(auth_of(version, lease))
    headers = {"Content-Type": "a/b", "x-oss-meta-author": "alice"}
    url = bucket.sign_url("PUT", KEY, 60, headers=headers, slash_safe=True)
    assert requests.put(url, b"by url", headers=headers, timeout=10).status_code == 200
    params = {"response-content-disposition": "attachment; filename=a b"}
    url = bucket.sign_url("GET", KEY, 60, params=params)
    got = requests.get(url, timeout=10)
    assert (got.content, got.headers["x-oss-meta-author"]) == (b"by url", "alice")
    assert got.headers["Content-Disposition"] == "attachment; filename=a b"
    assert requests.head(bucket.sign_url("HEAD", KEY, 60), timeout=10).status_code == 200
    tag = {"If-None-Match": got.headers["ETag"]}
    assert requests.get(url, headers=tag, timeout=10).status_code == 304
    assert requests.delete(bucket.sign_url("DELETE", KEY, 60), timeout=10).status_code == 204


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_urls_of_alibabacloud_oss_v2(
    lease: Lease, new: Callable[..., oss.Client], version: str
) -> None:
    client = new(version, lease)
    wish = {"bucket": "examplebucket", "key": KEY}
    put = client.presign(oss.PutObjectRequest(**wish, metadata={"author": "alice"}))
    headers = dict(put.signed_headers)
    assert requests.put(put.url, b"by url", headers=headers, timeout=10).status_code == 200
    get = client.presign(oss.GetObjectRequest(**wish), expires=timedelta(minutes=1))
    got = requests.get(get.url, timeout=10)
    assert (got.content, got.headers["x-oss-meta-author"]) == (b"by url", "alice")
    client.delete_object(oss.DeleteObjectRequest(**wish))


MISMATCH = {"v1": "0002-00000040", "v4": "0002-00000201"}


@pytest.mark.parametrize("version", ["v1", "v4"])
@pytest.mark.parametrize(
    ("old_text", "new_text"),
    [
        ("users/alice/url", "users/alice/urm"),
        ("examplebucket/", "examplebucket//"),
        ("response-expires=0", "response-expires=1"),
        ("response-expires=0", "response-expires=0&response-content-type=text%2Fhtml"),
    ],
)
def test_a_url_that_was_changed(
    lease: Lease, old: Callable[[Any], oss2.Bucket], version: str, old_text: str, new_text: str
) -> None:
    bucket = old(auth_of(version, lease))
    url = bucket.sign_url("GET", "users/alice/url", 60, params={"response-expires": "0"})
    url = url.replace("users%2Falice%2Furl", "users/alice/url")
    assert old_text in url
    changed = url.replace(old_text, new_text)
    expected = (
        (400, "InvalidObjectName", "0016-00000002")
        if "//users" in changed
        else (403, "SignatureDoesNotMatch", MISMATCH[version])
    )
    assert refusal(requests.get(changed, timeout=10)) == expected


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_another_method_header_secret_or_token(
    lease: Lease, old: Callable[[Any], oss2.Bucket], version: str
) -> None:
    url = old(auth_of(version, lease)).sign_url("GET", "users/alice/url", 60)
    mismatch = (403, "SignatureDoesNotMatch", MISMATCH[version])
    assert refusal(requests.delete(url, timeout=10)) == mismatch
    for name in ("Content-Type", "x-oss-meta-a"):
        assert refusal(requests.get(url, headers={name: "a"}, timeout=10)) == mismatch
    both = requests.get(url, headers={"Authorization": "OSS a:b"}, timeout=10)
    assert refusal(both)[:2] == (400, "InvalidArgument")
    tokens = requests.get(url, headers={"x-oss-security-token": "a"}, timeout=10)
    assert refusal(tokens) == (400, "InvalidArgument", "0002-00000010")
    wrong = old(auth_of(version, {**lease, "AccessKeySecret": "wrong"}))
    assert (
        refusal(requests.get(wrong.sign_url("GET", "users/alice/url", 60), timeout=10)) == mismatch
    )
    wrong = old(auth_of(version, {**lease, "SecurityToken": "wrong"}))
    answer = requests.get(wrong.sign_url("GET", "users/alice/url", 60), timeout=10)
    assert refusal(answer) == (403, "InvalidSecurityToken", "0002-00000006")
    outside = old(auth_of(version, lease)).sign_url("GET", "users/bob/url", 60)
    denied = (403, "AccessDenied", "0003-00000201")
    assert refusal(requests.get(outside, timeout=10)) == denied


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_a_url_whose_time_is_over(
    lease: Lease, new: Callable[..., oss.Client], version: str
) -> None:
    wish = oss.GetObjectRequest(bucket="examplebucket", key="users/alice/url")
    client = new(version, lease)
    over = datetime.now(UTC) - timedelta(seconds=5)
    answer = requests.get(client.presign(wish, expiration=over).url, timeout=10)
    # V4 says how long from now, which is then less than nothing.
    assert (
        refusal(answer)
        == {
            "v1": (403, "AccessDenied", "0002-00000069"),
            "v4": (400, "InvalidArgument", "0002-00000232"),
        }[version]
    )


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_a_url_ends_with_its_token(
    sandbox: Sandbox, own_lease: Lease, old: Callable[[Any], oss2.Bucket], version: str
) -> None:
    url = old(auth_of(version, own_lease)).sign_url("GET", "users/alice/url", 600)
    assert refusal(requests.get(url, timeout=10))[1] == "NoSuchKey"
    sandbox.expire(own_lease["AccessKeyId"])
    expected = (403, "SecurityTokenExpired", "0002-00000007")
    assert refusal(requests.get(url, timeout=10)) == expected


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_nothing_secret_of_a_url_is_recorded(
    sandbox: Sandbox, lease: Lease, old: Callable[[Any], oss2.Bucket], version: str
) -> None:
    sandbox.clear_requests()
    url = old(auth_of(version, lease)).sign_url("GET", "users/alice/url", 60)
    requests.get(url, timeout=10)
    (seen,) = sandbox.requests()
    assert (seen["operation"], seen["access_key_id"]) == ("GetObject", lease["AccessKeyId"])
    text = json.dumps(seen)
    assert quote(lease["SecurityToken"], safe="") not in text
    assert url.lower().partition("signature=")[2].partition("&")[0] not in text.lower()


def test_the_wrong_secret_in_a_v1_header(
    sandbox: Sandbox, lease: Lease, old: Callable[[Any], oss2.Bucket]
) -> None:
    wrong = old(oss2.Auth(sandbox.access_key_id, "wrong"))
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch) as caught:
        wrong.get_object("a")
    assert caught.value.details["EC"] == "0002-00000040"
    with pytest.raises(oss2.exceptions.AccessDenied):
        old(oss2.StsAuth(*keys(lease))).get_object("users/bob/a")
    with pytest.raises(oss2.exceptions.AccessDenied):
        old(oss2.AnonymousAuth()).get_object("users/alice/a")
