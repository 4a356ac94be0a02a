"""Every operation, refused when its action is missing, before anybody learns what exists."""

import base64
import hashlib
from typing import Any

import pytest

from sts_server.sandbox.oss.table import OPERATIONS
from tests.sts_server.sandbox.house import House, Reply

KEY = "a/x"
DELETE = b"<Delete><Object><Key>a/x</Key></Object></Delete>"
TAGGING = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
MD5 = base64.b64encode(hashlib.md5(DELETE, usedforsecurity=False).digest()).decode()
COPY = {"x-oss-copy-source": "/bkt/a/x"}
BUCKET, OBJECT = "/bkt", f"/bkt/{KEY}"

# Operation -> method, path, the actions it needs, headers, body.
CALLS: dict[str, tuple[str, str, tuple[str, ...], dict[str, str], bytes]] = {
    "AbortMultipartUpload": ("DELETE", f"{OBJECT}?uploadId=U", ("AbortMultipartUpload",), {}, b""),
    "AppendObject": ("POST", f"{OBJECT}?append&position=0", ("PutObject",), {}, b"x"),
    "CompleteMultipartUpload": (
        "POST",
        f"{OBJECT}?uploadId=U",
        ("PutObject",),
        {"x-oss-complete-all": "yes"},
        b"",
    ),
    "CopyObject": ("PUT", OBJECT, ("GetObject", "PutObject"), COPY, b""),
    "DeleteBucket": ("DELETE", BUCKET, ("DeleteBucket",), {}, b""),
    "DeleteBucketCors": ("DELETE", f"{BUCKET}?cors", ("DeleteBucketCors",), {}, b""),
    "DeleteBucketTags": ("DELETE", f"{BUCKET}?tagging", ("DeleteBucketTagging",), {}, b""),
    "DeleteMultipleObjects": (
        "POST",
        f"{BUCKET}?delete",
        ("DeleteObject",),
        {"content-md5": MD5},
        DELETE,
    ),
    "DeleteObject": ("DELETE", OBJECT, ("DeleteObject",), {}, b""),
    "DeleteObject of a version": (
        "DELETE",
        f"{OBJECT}?versionId=v",
        ("DeleteObjectVersion",),
        {},
        b"",
    ),
    "DeleteObjectTagging": ("DELETE", f"{OBJECT}?tagging", ("DeleteObjectTagging",), {}, b""),
    "GetBucketAcl": ("GET", f"{BUCKET}?acl", ("GetBucketAcl",), {}, b""),
    "GetBucketCors": ("GET", f"{BUCKET}?cors", ("GetBucketCors",), {}, b""),
    "GetBucketInfo": ("GET", f"{BUCKET}?bucketInfo", ("GetBucketInfo",), {}, b""),
    "GetBucketLocation": ("GET", f"{BUCKET}?location", ("GetBucketLocation",), {}, b""),
    "GetBucketStat": ("GET", f"{BUCKET}?stat", ("GetBucketStat",), {}, b""),
    "GetBucketTags": ("GET", f"{BUCKET}?tagging", ("GetBucketTagging",), {}, b""),
    "GetBucketVersioning": ("GET", f"{BUCKET}?versioning", ("GetBucketVersioning",), {}, b""),
    "GetObject": ("GET", OBJECT, ("GetObject",), {}, b""),
    "GetObject of a version": ("GET", f"{OBJECT}?versionId=v", ("GetObjectVersion",), {}, b""),
    "GetObjectACL": ("GET", f"{OBJECT}?acl", ("GetObjectAcl",), {}, b""),
    "GetObjectMeta": ("HEAD", f"{OBJECT}?objectMeta", ("GetObject",), {}, b""),
    "GetObjectTagging": ("GET", f"{OBJECT}?tagging", ("GetObjectTagging",), {}, b""),
    "GetSymlink": ("GET", f"{OBJECT}?symlink", ("GetObject",), {}, b""),
    "HeadObject": ("HEAD", OBJECT, ("GetObject",), {}, b""),
    "InitiateMultipartUpload": ("POST", f"{OBJECT}?uploads", ("PutObject",), {}, b""),
    "ListBuckets": ("GET", "/", ("ListBuckets",), {}, b""),
    "ListLiveChannel": ("GET", f"{BUCKET}?live", ("ListLiveChannel",), {}, b""),
    "ListMultipartUploads": ("GET", f"{BUCKET}?uploads", ("ListMultipartUploads",), {}, b""),
    "ListObjectVersions": ("GET", f"{BUCKET}?versions", ("ListObjectVersions",), {}, b""),
    "ListObjects": ("GET", BUCKET, ("ListObjects",), {}, b""),
    "ListObjectsV2": ("GET", f"{BUCKET}?list-type=2", ("ListObjects",), {}, b""),
    "ListParts": ("GET", f"{OBJECT}?uploadId=U", ("ListParts",), {}, b""),
    "PutBucket": ("PUT", "/new", ("PutBucket",), {}, b""),
    "PutBucketAcl": ("PUT", f"{BUCKET}?acl", ("PutBucketAcl",), {"x-oss-acl": "private"}, b""),
    "PutBucketCors": ("PUT", f"{BUCKET}?cors", ("PutBucketCors",), {}, b""),
    "PutBucketTags": ("PUT", f"{BUCKET}?tagging", ("PutBucketTagging",), {}, TAGGING),
    "PutBucketVersioning": ("PUT", f"{BUCKET}?versioning", ("PutBucketVersioning",), {}, b""),
    "PutObject": ("PUT", OBJECT, ("PutObject",), {}, b"x"),
    "PutObject with tags": (
        "PUT",
        OBJECT,
        ("PutObject", "PutObjectTagging"),
        {"x-oss-tagging": "k=v"},
        b"x",
    ),
    "PutObject with an ACL": (
        "PUT",
        OBJECT,
        ("PutObject", "PutObjectAcl"),
        {"x-oss-object-acl": "private"},
        b"x",
    ),
    "PutObjectACL": (
        "PUT",
        f"{OBJECT}?acl",
        ("PutObjectAcl",),
        {"x-oss-object-acl": "private"},
        b"",
    ),
    "PutObjectTagging": ("PUT", f"{OBJECT}?tagging", ("PutObjectTagging",), {}, TAGGING),
    "PutSymlink": (
        "PUT",
        f"{OBJECT}?symlink",
        ("PutObject",),
        {"x-oss-symlink-target": "a/y"},
        b"",
    ),
    "RestoreObject": ("POST", f"{OBJECT}?restore", ("RestoreObject",), {}, b""),
    "UploadPart": ("PUT", f"{OBJECT}?partNumber=1&uploadId=U", ("PutObject",), {}, b"x"),
    "UploadPartCopy": (
        "PUT",
        f"{OBJECT}?partNumber=1&uploadId=U",
        ("GetObject", "PutObject"),
        COPY,
        b"",
    ),
}
CASES = [(name, action) for name, call in CALLS.items() for action in call[2]]
EVERYTHING: dict[str, Any] = {"Effect": "Allow", "Action": "oss:*", "Resource": "*"}


def ask(house: House, name: str, *statements: dict[str, Any]) -> Reply:
    method, path, _, headers, body = CALLS[name]
    return house.ask(method, path, (body,), house.limited(*statements), headers)


def test_no_operation_is_forgotten() -> None:
    assert {operation.name for operation in OPERATIONS} == {name.split(" ")[0] for name in CALLS}


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(("name", "action"), CASES)
def test_without_its_action(house: House, name: str, action: str, *, exists: bool) -> None:
    if exists:
        house.ask("PUT", OBJECT, (b"x",), house.owner)
    deny = {"Effect": "Deny", "Action": f"oss:{action}", "Resource": "*"}
    assert ask(house, name, EVERYTHING, deny).error == (403, "AccessDenied", "0003-00000201")
    assert len(house.bodies()) == exists


@pytest.mark.parametrize("name", CALLS)
def test_with_no_other_than_its_actions(house: House, name: str) -> None:
    house.ask("PUT", OBJECT, (b"x",), house.owner)
    allow: dict[str, Any] = {
        "Effect": "Allow",
        "Action": [f"oss:{action}" for action in CALLS[name][2]],
        "Resource": [f"acs:oss:*:*:{place}" for place in ("bkt", "bkt/a/*", "new")],
    }
    if name == "ListBuckets":
        allow["Resource"] = "acs:oss:*:*:*"
    assert ask(house, name, allow).status != 403


@pytest.mark.parametrize(("prefix", "status"), [("a%2F", 200), ("b%2F", 403), ("", 403)])
@pytest.mark.parametrize("listing", ["", "list-type=2&", "versions&", "uploads&"])
def test_listings_are_held_to_their_prefix(
    house: House, listing: str, prefix: str, status: int
) -> None:
    who = house.limited(
        {
            "Effect": "Allow",
            "Action": "oss:List*",
            "Resource": "acs:oss:*:*:bkt",
            "Condition": {"StringLike": {"oss:Prefix": "a/*"}},
        }
    )
    assert house.ask("GET", f"/bkt?{listing}prefix={prefix}", who=who).status == status


@pytest.mark.parametrize(("acl", "status"), [("private", 200), ("public-read", 403)])
def test_acls_that_may_be_given(house: House, acl: str, status: int) -> None:
    who = house.limited(
        EVERYTHING,
        {
            "Effect": "Deny",
            "Action": "oss:PutObject*",
            "Resource": "*",
            "Condition": {"StringLike": {"oss:x-oss-object-acl": "public*"}},
        },
        {
            "Effect": "Deny",
            "Action": "oss:PutBucket*",
            "Resource": "*",
            "Condition": {"StringLike": {"oss:x-oss-acl": "public*"}},
        },
    )
    own = {"x-oss-object-acl": acl}
    assert house.ask("PUT", OBJECT, (b"x",), who, own).status == status
    house.ask("PUT", OBJECT, (b"x",), house.owner)
    assert house.ask("PUT", f"{OBJECT}?acl", (b"",), who, own).status == status
    assert house.ask("PUT", "/bkt?acl", (b"",), who, {"x-oss-acl": acl}).status == status


@pytest.mark.parametrize(("tag", "status"), [("open", 200), ("shut", 403)])
def test_tags_that_decide_who_reads(house: House, tag: str, status: int) -> None:
    """A missing object has no tags, so what asks for one is refused before it is missed."""
    house.ask("PUT", OBJECT, (b"x",), house.owner, {"x-oss-tagging": f"state={tag}"})
    closed = {"StringEquals": {"oss:ExistingObjectTag/state": "shut"}}
    opened = {"StringEquals": {"oss:ExistingObjectTag/state": "open"}}
    allowed = house.limited({**EVERYTHING, "Condition": opened})
    denied = house.limited(EVERYTHING, {**EVERYTHING, "Effect": "Deny", "Condition": closed})
    for who in (allowed, denied):
        assert house.ask("GET", OBJECT, who=who).status == status
    aim = {"x-oss-symlink-target": KEY}
    house.ask("PUT", "/bkt/a/link?symlink", who=house.owner, headers=aim)
    assert house.ask("GET", "/bkt/a/link", who=denied).status == status
    assert house.ask("PUT", "/bkt/a/y", who=denied, headers=COPY).status == status
    many = house.ask("POST", f"{BUCKET}?delete", (DELETE,), denied, {"content-md5": MD5})
    assert many.status == status
    assert house.ask("GET", "/bkt/a/none", who=allowed).status == 403
