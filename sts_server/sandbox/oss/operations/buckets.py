"""Buckets: list, make, remove, and what is known of one."""

from dataclasses import replace

from sts_server.sandbox.oss.acl import BUCKET_ACLS
from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.documents import only, parse, read_body, text_of
from sts_server.sandbox.oss.errors import (
    OssError,
    invalid_argument,
    operation_not_implemented,
)
from sts_server.sandbox.oss.naming import (
    limit_of,
    owner_element,
    xml_bool,
    xml_time,
)
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.xml import Element, elements

DEFAULT_BUCKETS = 100
ACL_HEADER = "x-oss-acl"
# What PutBucket may say, and the one value that the sandbox has.
CREATION = {"StorageClass": "Standard", "DataRedundancyType": "LRS"}


async def list_buckets(call: Call) -> Answer:
    """ListBuckets (OSS: "ListBuckets (GetService)").

    Raises:
        OssError: A parameter is wrong.
    """
    prefix, marker = call.query.get("prefix", ""), call.query.get("marker", "")
    limit = limit_of(call.request, "max-keys", DEFAULT_BUCKETS)
    every = await call.store.query(lambda index: index.buckets.all())
    found = [one for one in every if one.name.startswith(prefix) and one.name > marker]
    page = found[:limit]
    truncated = len(found) > limit
    children = [
        Element("Prefix", prefix),
        Element("Marker", marker),
        Element("MaxKeys", str(limit)),
        Element("IsTruncated", xml_bool(truncated)),
        *([Element("NextMarker", page[-1].name)] if truncated else []),
        owner_element(call.owner),
        Element("Buckets", [Element("Bucket", _described(call, one)) for one in page]),
    ]
    return xml_answer(Element("ListAllMyBucketsResult", children))


async def put_bucket(call: Call) -> Answer:
    """PutBucket: make a bucket; one's own stays as it is but for an ACL that is given.

    Raises:
        OssError: There is no such ACL, or the document asks for what the sandbox has not.
    """
    acl = bucket_acl(call, needed=False)
    body = await read_body(call)
    if body:
        tree = parse(body, "CreateBucketConfiguration")
        only(tree, *CREATION)
        for name, value in CREATION.items():
            if (text_of(tree, name) or value) != value:
                raise operation_not_implemented(f"PutBucket with {name} {text_of(tree, name)}")
    name = call.request.bucket
    await call.store.set_bucket(name, lambda old: replace(old, acl=acl or old.acl), make=True)
    return Answer(200, {"Location": f"/{name}"})


async def delete_bucket(call: Call) -> Answer:
    """DeleteBucket: an empty one only.

    Raises:
        OssError: It holds objects, versions of objects, or uploads.
    """
    if not await call.store.remove_bucket(call.request.bucket):
        raise OssError(
            409,
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty.",
            details={"BucketName": call.request.bucket},
        )
    return Answer(204)


async def get_bucket_info(call: Call) -> Answer:
    """GetBucketInfo."""
    bucket = call.bucket
    children = [
        *_described(call, bucket),
        Element("DataRedundancyType", "LRS"),
        Element("AccessMonitor", "Disabled"),
        *([Element("Versioning", bucket.versioning)] if bucket.versioning else []),
        owner_element(call.owner),
        _grants(bucket.acl),
    ]
    return xml_answer(Element("BucketInfo", [Element("Bucket", children)]))


async def get_bucket_location(call: Call) -> Answer:
    """GetBucketLocation."""
    return xml_answer(Element("LocationConstraint", f"oss-{call.region}"))


async def get_bucket_stat(call: Call) -> Answer:
    """GetBucketStat, counted now, where the real service lags by an hour."""
    bucket = call.request.bucket
    (count, size), uploads = await call.store.query(
        lambda index: (index.totals(bucket), index.uploads.count(bucket))
    )
    texts = {
        "Storage": str(size),
        "ObjectCount": str(count),
        "MultipartUploadCount": str(uploads),
        "LiveChannelCount": "0",
        "LastModifiedTime": str(int(call.store.timestamp().timestamp())),
        "StandardStorage": str(size),
        "StandardObjectCount": str(count),
    }
    return xml_answer(Element("BucketStat", elements(texts)))


async def put_bucket_acl(call: Call) -> Answer:
    """PutBucketAcl.

    Raises:
        OssError: There is no such ACL.
    """
    acl = bucket_acl(call, needed=True)
    await call.store.set_bucket(call.request.bucket, lambda old: replace(old, acl=acl))
    return Answer(200)


async def get_bucket_acl(call: Call) -> Answer:
    """GetBucketAcl."""
    return acl_answer(call.owner, call.bucket.acl)


async def list_live_channels(_call: Call) -> Answer:
    """ListLiveChannel: there are none, which is what clean-up code wants to know."""
    texts = {"Prefix": "", "Marker": "", "MaxKeys": "100", "IsTruncated": "false"}
    return xml_answer(Element("ListLiveChannelResult", elements({**texts, "NextMarker": ""})))


def bucket_acl(call: Call, *, needed: bool) -> str:
    """Read the ACL of a bucket, or nothing when none is given.

    Raises:
        OssError: There is no such ACL, or none where one is needed.
    """
    acl = call.header.get(ACL_HEADER, "")
    if acl not in BUCKET_ACLS and (acl or needed):
        raise invalid_argument(ACL_HEADER, acl, "no such bucket access control exists")
    return acl


def acl_answer(owner: str, acl: str) -> Answer:
    """Answer with an ACL."""
    return xml_answer(Element("AccessControlPolicy", [owner_element(owner), _grants(acl)]))


def _grants(acl: str) -> Element:
    return Element("AccessControlList", [Element("Grant", acl)])


def _described(call: Call, bucket: Bucket) -> list[Element]:
    # An endpoint that can be dialled: the one this request came to.
    scheme = "https" if call.request.secure else "http"
    endpoint = f"{scheme}://{call.header.get('host', '')}"
    return elements(
        {
            "CreationDate": xml_time(bucket.created),
            "ExtranetEndpoint": endpoint,
            "IntranetEndpoint": endpoint,
            "Location": f"oss-{call.region}",
            "Name": bucket.name,
            "Region": call.region,
            "StorageClass": "Standard",
        }
    )


_ACL = frozenset({ACL_HEADER})
OPERATIONS = (
    Operation(
        "ListBuckets",
        "GET",
        Level.SERVICE,
        "oss:ListBuckets",
        list_buckets,
        parameters=frozenset({"marker", "max-keys", "prefix"}),
    ),
    Operation(
        "PutBucket",
        "PUT",
        Level.BUCKET,
        "oss:PutBucket",
        put_bucket,
        headers=_ACL,
        creates_bucket=True,
    ),
    Operation("DeleteBucket", "DELETE", Level.BUCKET, "oss:DeleteBucket", delete_bucket),
    Operation(
        "GetBucketInfo",
        "GET",
        Level.BUCKET,
        "oss:GetBucketInfo",
        get_bucket_info,
        when=("bucketInfo",),
    ),
    Operation(
        "GetBucketLocation",
        "GET",
        Level.BUCKET,
        "oss:GetBucketLocation",
        get_bucket_location,
        when=("location",),
    ),
    Operation(
        "GetBucketStat", "GET", Level.BUCKET, "oss:GetBucketStat", get_bucket_stat, when=("stat",)
    ),
    Operation(
        "PutBucketAcl",
        "PUT",
        Level.BUCKET,
        "oss:PutBucketAcl",
        put_bucket_acl,
        when=("acl",),
        headers=_ACL,
    ),
    Operation(
        "GetBucketAcl", "GET", Level.BUCKET, "oss:GetBucketAcl", get_bucket_acl, when=("acl",)
    ),
    Operation(
        "ListLiveChannel",
        "GET",
        Level.BUCKET,
        "oss:ListLiveChannel",
        list_live_channels,
        when=("live",),
        parameters=frozenset({"marker", "max-keys", "prefix"}),
    ),
)
