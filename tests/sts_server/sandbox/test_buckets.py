"""Buckets as they are made, described, opened up and removed."""

import pytest

from sts_server.sandbox.oss.anonymous import check_anonymous
from sts_server.sandbox.oss.errors import OssError
from tests.sts_server.sandbox.house import ACCOUNT, House


def test_making_and_removing_a_bucket(house: House) -> None:
    made = house.ask("PUT", "/new", who=house.owner, headers={"x-oss-acl": "public-read"})
    assert (made.status, made.headers["Location"]) == (200, "/new")
    assert house.ask("PUT", "/new", who=house.owner).status == 200
    info = house.ask("GET", "/new?bucketInfo", who=house.owner).xml
    assert info.findtext("Bucket/AccessControlList/Grant") == "public-read"
    house.ask("PUT", "/new/a", (b"x",), house.owner)
    full = house.ask("DELETE", "/new", who=house.owner)
    assert full.error[:2] == (409, "BucketNotEmpty")
    house.ask("DELETE", "/new/a", who=house.owner)
    assert house.ask("DELETE", "/new", who=house.owner).status == 204
    assert house.ask("GET", "/new?bucketInfo", who=house.owner).error[1] == "NoSuchBucket"


def test_an_upload_under_way_keeps_its_bucket(house: House) -> None:
    house.ask("POST", "/bkt/a?uploads", who=house.owner)
    assert house.ask("DELETE", "/bkt", who=house.owner).error[1] == "BucketNotEmpty"


@pytest.mark.parametrize("query", ["?acl", "?cors", "?versioning"])
def test_only_making_needs_no_bucket(house: House, query: str) -> None:
    reply = house.ask("PUT", f"/new{query}", who=house.owner, headers={"x-oss-acl": "private"})
    assert reply.error[:2] == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<CreateBucketConfiguration/>", ""),
        (
            b"<CreateBucketConfiguration><StorageClass>Standard</StorageClass></CreateBucketConfiguration>",
            "",
        ),
        (
            b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>",
            "NotImplemented",
        ),
        (
            b"<CreateBucketConfiguration><Colour>IA</Colour></CreateBucketConfiguration>",
            "MalformedXML",
        ),
        (b"<Bucket/>", "MalformedXML"),
    ],
)
def test_how_a_bucket_shall_be(house: House, body: bytes, code: str) -> None:
    reply = house.ask("PUT", "/new", (body,), house.owner)
    assert (reply.error[1] if code else reply.status) == (code or 200)
    assert house.store.has_bucket("new") == (not code)


def test_listing_buckets(house: House) -> None:
    for name in ("aaa", "abc", "zzz"):
        house.ask("PUT", f"/{name}", who=house.owner)
    headers = {"host": "127.0.0.1:9000"}
    first = house.ask("GET", "/?prefix=a&max-keys=1", who=house.owner, headers=headers).xml
    assert [b.findtext("Name") for b in first.iter("Bucket")] == ["aaa"]
    assert first.findtext("Buckets/Bucket/ExtranetEndpoint") == "http://127.0.0.1:9000"
    assert (first.findtext("Owner/ID"), first.findtext("NextMarker")) == (ACCOUNT, "aaa")
    second = house.ask("GET", "/?prefix=a&marker=aaa", who=house.owner).xml
    assert [b.findtext("Name") for b in second.iter("Bucket")] == ["abc"]
    assert second.findtext("IsTruncated") == "false"


def test_what_is_known_of_a_bucket(house: House) -> None:
    house.ask("PUT", "/bkt/a", (b"12345",), house.owner)
    house.ask("POST", "/bkt/b?uploads", who=house.owner)
    stat = house.ask("GET", "/bkt?stat", who=house.owner).xml
    texts = [stat.findtext(tag) for tag in ("Storage", "ObjectCount", "MultipartUploadCount")]
    assert texts == ["5", "1", "1"]
    assert house.ask("GET", "/bkt?location", who=house.owner).xml.text == "oss-cn-hangzhou"
    live = house.ask("GET", "/bkt?live", who=house.owner).xml
    assert live.findtext("IsTruncated") == "false"


def test_acl_of_a_bucket(house: House) -> None:
    wish = {"x-oss-acl": "public-read-write"}
    assert house.ask("PUT", "/bkt?acl", who=house.owner, headers=wish).status == 200
    grant = house.ask("GET", "/bkt?acl", who=house.owner).xml
    assert grant.findtext("AccessControlList/Grant") == "public-read-write"
    for bad in ({}, {"x-oss-acl": "default"}):
        assert house.ask("PUT", "/bkt?acl", who=house.owner, headers=bad).status == 400


def test_acl_of_an_object(house: House) -> None:
    assert house.ask("GET", "/bkt/a?acl", who=house.owner).error[1] == "NoSuchKey"
    house.ask("PUT", "/bkt/a", (b"x",), house.owner)
    before = house.ask("GET", "/bkt/a?acl", who=house.owner).xml
    assert before.findtext("AccessControlList/Grant") == "default"
    wish = {"x-oss-object-acl": "public-read"}
    assert house.ask("PUT", "/bkt/a?acl", who=house.owner, headers=wish).status == 200
    after = house.ask("GET", "/bkt/a?acl", who=house.owner).xml
    assert after.findtext("AccessControlList/Grant") == "public-read"
    assert house.ask("GET", "/bkt/a", who=house.owner).body == b"x"
    house.ask("PUT", "/bkt/b", (b"x",), house.owner, {"x-oss-object-acl": "private"})
    given = house.ask("GET", "/bkt/b?acl", who=house.owner).xml
    assert given.findtext("AccessControlList/Grant") == "private"
    for bad in ({}, {"x-oss-object-acl": "everybody"}):
        assert house.ask("PUT", "/bkt/a?acl", who=house.owner, headers=bad).status == 400


def test_the_short_head(house: House) -> None:
    house.ask("PUT", "/bkt/a/x", (b"12345",))
    head = house.ask("HEAD", "/bkt/a/x?objectMeta")
    assert (head.status, head.headers["Content-Length"]) == (200, "5")
    assert "Content-Type" not in head.headers


@pytest.mark.parametrize(
    ("bucket", "own", "action", "expected"),
    [
        ("private", "default", "GetObject", False),
        ("public-read", "default", "GetObject", True),
        ("public-read", "private", "GetObject", False),
        ("private", "public-read", "GetObject", True),
        ("public-read", "default", "PutObject", False),
        ("public-read-write", "default", "PutObject", True),
        ("public-read-write", "public-read", "PutObject", False),
        ("private", "public-read-write", "PutObject", True),
        ("private", "public-read-write", "DeleteObject", False),
        ("public-read-write", "private", "DeleteObject", True),
        ("public-read", "default", "ListObjects", False),
        ("private", "public-read", "ListObjects", False),
        ("public-read-write", "default", "PutBucketAcl", False),
        ("public-read-write", "default", "GetObjectAcl", False),
    ],
)
def test_what_everybody_may(bucket: str, own: str, action: str, *, expected: bool) -> None:
    try:
        check_anonymous(f"oss:{action}", bucket, own)
    except OssError as refusal:
        assert not expected
        assert (refusal.status, refusal.code) == (403, "AccessDenied")
    else:
        assert expected
