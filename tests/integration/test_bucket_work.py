"""Buckets, ACLs, CORS, appends, tags, links and versions, as users of the official SDKs reach them."""

from collections.abc import Iterator
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from alibabacloud_oss_v2.transport import RequestsHttpClient

from sts_server.sandbox import Sandbox

# The SDKs leave some responses, and so their sockets, to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("swept"),
]


@pytest.fixture
def service(sandbox: Sandbox) -> Iterator[oss2.Service]:
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    session = oss2.Session()
    yield oss2.Service(auth, sandbox.endpoint, session=session, region=sandbox.region)
    session.session.close()


@pytest.fixture
def bucket(sandbox: Sandbox, service: oss2.Service) -> Iterator[oss2.Bucket]:
    """A bucket of its own, removed as clean-up code does it."""
    made = oss2.Bucket(
        service.auth,
        sandbox.endpoint,
        "workbench",
        region=sandbox.region,
        session=service.session,
    )
    made.create_bucket(oss2.BUCKET_ACL_PRIVATE)
    yield made
    for upload in oss2.MultipartUploadIterator(made):
        made.abort_multipart_upload(upload.key, upload.upload_id)
    assert list(oss2.LiveChannelIterator(made)) == []
    listed = made.list_object_versions()
    for item in [*listed.versions, *listed.delete_marker]:
        made.delete_object(item.key, params={"versionId": item.versionid})
    made.delete_bucket()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[oss.Client]:
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        sandbox.access_key_id, sandbox.access_key_secret
    )
    with RequestsHttpClient() as config.http_client:
        yield oss.Client(config)


def test_oss2_buckets(service: oss2.Service, bucket: oss2.Bucket, sandbox: Sandbox) -> None:
    names = [found.name for found in oss2.BucketIterator(service, max_keys=1)]
    assert names == [sandbox.bucket, "workbench"]
    info = bucket.get_bucket_info()
    assert (info.name, info.location) == ("workbench", f"oss-{sandbox.region}")
    assert info.acl.grant == "private"
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    assert bucket.get_bucket_acl().acl == "public-read"
    assert bucket.get_bucket_location().location == f"oss-{sandbox.region}"
    bucket.put_object("a", b"12345")
    stat = bucket.get_bucket_stat()
    assert (stat.object_count, stat.storage_size_in_bytes) == (1, 5)
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()


def test_oss2_listing_of_the_first_version(bucket: oss2.Bucket) -> None:
    keys = ["a", "b/1", "b/2", "c+ 中\n"]
    for key in keys:
        bucket.put_object(key, b"x")
    assert [item.key for item in oss2.ObjectIterator(bucket, max_keys=1)] == keys
    rolled = [item.key for item in oss2.ObjectIterator(bucket, delimiter="/", max_keys=1)]
    assert rolled == ["a", "b/", "c+ 中\n"]
    assert bucket.object_exists("a")
    assert not bucket.object_exists("none")
    assert bucket.get_object_meta("a").content_length == 1


def test_oss2_acl_tags_and_links(bucket: oss2.Bucket) -> None:
    bucket.put_object("a", b"12345")
    bucket.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ)
    assert bucket.get_object_acl("a").acl == "public-read"
    tags = oss2.models.TaggingRule()
    tags.add("k", "v+ ")
    bucket.put_object_tagging("a", oss2.models.Tagging(tags))
    assert bucket.get_object_tagging("a").tag_set.tagging_rule == {"k": "v+ "}
    bucket.delete_object_tagging("a")
    assert bucket.get_object_tagging("a").tag_set.tagging_rule == {}
    bucket.put_symlink("a", "link ü")
    assert bucket.get_symlink("link ü").target_key == "a"
    assert bucket.get_object("link ü").read() == b"12345"


def test_oss2_tags_of_a_bucket(bucket: oss2.Bucket) -> None:
    tags = oss2.models.TaggingRule()
    for key, value in (("team", "a b"), ("ü", "")):
        tags.add(key, value)
    bucket.put_bucket_tagging(oss2.models.Tagging(tags))
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"team": "a b", "ü": ""}
    bucket.delete_bucket_tagging(params={"tagging": "team"})
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"ü": ""}
    bucket.delete_bucket_tagging()
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}


def test_oss2_appends(bucket: oss2.Bucket) -> None:
    first = bucket.append_object("log", 0, b"one ", init_crc=0)
    second = bucket.append_object("log", first.next_position, b"two", init_crc=first.crc)
    assert second.next_position == 7
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as caught:
        bucket.append_object("log", 1, b"x")
    assert caught.value.next_position == 7
    got = bucket.get_object("log")
    assert got.read() == b"one two"
    assert got.client_crc == second.crc
    bucket.put_object("plain", b"")
    with pytest.raises(oss2.exceptions.ObjectNotAppendable):
        bucket.append_object("plain", 0, b"x")


def test_oss2_versions(bucket: oss2.Bucket) -> None:
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    assert bucket.get_bucket_versioning().status == "Enabled"
    first = bucket.put_object("a", b"first").versionid
    bucket.put_object("a", b"second", headers={"x-oss-forbid-overwrite": "true"})
    assert bucket.get_object("a", params={"versionId": first}).read() == b"first"
    gone = bucket.delete_object("a")
    assert gone.delete_marker
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object("a")
    listed = bucket.list_object_versions(prefix="a")
    assert [item.is_latest for item in listed.versions] == [False, False]
    assert [item.is_latest for item in listed.delete_marker] == [True]
    doomed = oss2.models.BatchDeleteObjectVersionList()
    doomed.append(oss2.models.BatchDeleteObjectVersion("a", gone.versionid))
    bucket.delete_object_versions(doomed)
    assert bucket.get_object("a").read() == b"second"


def test_oss2_cors_and_a_browser(bucket: oss2.Bucket, sandbox: Sandbox) -> None:
    rule = oss2.models.CorsRule(
        allowed_origins=["http://page.test"],
        allowed_methods=["GET", "PUT"],
        allowed_headers=["*"],
        expose_headers=["ETag"],
        max_age_seconds=9,
    )
    bucket.put_bucket_cors(oss2.models.BucketCors([rule]))
    assert bucket.get_bucket_cors().rules[0].allowed_methods == ["GET", "PUT"]
    url = f"{sandbox.endpoint}/workbench/a"
    asked = {
        "Origin": "http://page.test",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,x-oss-date",
    }
    passed = requests.options(url, headers=asked, timeout=10)
    assert passed.headers["Access-Control-Allow-Headers"] == "authorization,x-oss-date"
    assert passed.headers["Access-Control-Max-Age"] == "9"
    refused = requests.options(url, headers={**asked, "Origin": "http://evil.test"}, timeout=10)
    assert (refused.status_code, "AccessForbidden" in refused.text) == (403, True)
    anonymous = requests.get(url, headers={"Origin": "http://page.test"}, timeout=10)
    assert anonymous.status_code == 403
    assert anonymous.headers["Access-Control-Allow-Origin"] == "http://page.test"
    bucket.delete_bucket_cors()
    with pytest.raises(oss2.exceptions.NoSuchCors):
        bucket.get_bucket_cors()


def test_v2_buckets_and_versions(client: oss.Client, bucket: oss2.Bucket) -> None:
    name = {"bucket": bucket.bucket_name}
    pages = client.list_buckets_paginator().iter_page(oss.ListBucketsRequest(prefix="work"))
    (found,) = [item for page in pages for item in page.buckets]
    assert found.extranet_endpoint.startswith("http://127.0.0.1:")
    client.put_bucket_acl(oss.PutBucketAclRequest(**name, acl="public-read"))
    assert client.get_bucket_acl(oss.GetBucketAclRequest(**name)).acl == "public-read"
    assert client.get_bucket_info(oss.GetBucketInfoRequest(**name)).bucket_info.name == "workbench"
    assert client.get_bucket_stat(oss.GetBucketStatRequest(**name)).object_count == 0
    client.put_bucket_versioning(
        oss.PutBucketVersioningRequest(
            **name, versioning_configuration=oss.VersioningConfiguration(status="Enabled")
        )
    )
    objects = [
        client.put_object(oss.PutObjectRequest(**name, key=key, body=b"x"))
        for key in ("a", "b", "a")
    ]
    versions = client.list_object_versions_paginator().iter_page(
        oss.ListObjectVersionsRequest(**name, max_keys=1)
    )
    ids = [item.version_id for page in versions for item in page.version or []]
    assert ids == [objects[number].version_id for number in (2, 0, 1)]
    listed = client.list_objects_paginator().iter_page(oss.ListObjectsRequest(**name, max_keys=1))
    assert [item.key for page in listed for item in page.contents] == ["a", "b"]


def test_v2_tags_of_a_bucket(client: oss.Client, bucket: oss2.Bucket) -> None:
    name = {"bucket": bucket.bucket_name}
    tagging = oss.Tagging(tag_set=oss.TagSet(tags=[oss.Tag(key="team", value="a")]))
    client.put_bucket_tags(oss.PutBucketTagsRequest(**name, tagging=tagging))
    got = client.get_bucket_tags(oss.GetBucketTagsRequest(**name))
    assert [(tag.key, tag.value) for tag in got.tagging.tag_set.tags] == [("team", "a")]
    client.delete_bucket_tags(oss.DeleteBucketTagsRequest(**name, tagging="team"))
    assert not client.get_bucket_tags(oss.GetBucketTagsRequest(**name)).tagging.tag_set.tags


def test_v2_appends_and_tags(client: oss.Client, bucket: oss2.Bucket) -> None:
    name: dict[str, Any] = {"bucket": bucket.bucket_name, "key": "log"}
    first = client.append_object(oss.AppendObjectRequest(**name, position=0, body=b"one"))
    client.append_object(
        oss.AppendObjectRequest(**name, position=first.next_position, body=b" two")
    )
    assert client.get_object(oss.GetObjectRequest(**name)).body.read() == b"one two"
    tagging = oss.Tagging(tag_set=oss.TagSet(tags=[oss.Tag(key="k", value="v")]))
    client.put_object_tagging(oss.PutObjectTaggingRequest(**name, tagging=tagging))
    got = client.get_object_tagging(oss.GetObjectTaggingRequest(**name))
    assert [(tag.key, tag.value) for tag in got.tag_set.tags] == [("k", "v")]
    link = {**name, "key": "link"}
    client.put_symlink(oss.PutSymlinkRequest(**link, symlink_target="log"))
    assert client.get_symlink(oss.GetSymlinkRequest(**link)).target == "log"
    meta = client.get_object_meta(oss.GetObjectMetaRequest(**name))
    assert meta.content_length == 7
