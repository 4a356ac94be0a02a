"""Nobody in particular: what each ACL opens, and what none does."""

import pytest

from sts_server.sandbox.oss.anonymous import check_anonymous
from sts_server.sandbox.oss.errors import OssError

BY_BUCKET = "You have no right to access this object because of bucket acl."
BY_OBJECT = "You have no right to access this object because of object acl."
NEVER = "Anonymous access is forbidden for this operation."


@pytest.mark.parametrize(
    ("action", "bucket", "object_", "message"),
    [
        ("oss:GetObject", "private", "default", BY_BUCKET),
        ("oss:GetObject", "public-read", "default", None),
        ("oss:GetObject", "public-read-write", "default", None),
        ("oss:GetObject", "private", "public-read", None),
        ("oss:GetObject", "public-read", "private", BY_OBJECT),
        ("oss:PutObject", "private", "default", BY_BUCKET),
        ("oss:PutObject", "public-read", "default", BY_BUCKET),
        ("oss:PutObject", "public-read-write", "default", None),
        ("oss:PutObject", "public-read-write", "public-read", BY_OBJECT),
        ("oss:DeleteObject", "public-read-write", "default", None),
        ("oss:ListObjects", "public-read-write", "default", NEVER),
        ("oss:PutBucketAcl", "public-read-write", "default", NEVER),
    ],
)
def test_acls(action: str, bucket: str, object_: str, message: str | None) -> None:
    if message is None:
        check_anonymous(action, bucket, object_)
        return
    with pytest.raises(OssError) as caught:
        check_anonymous(action, bucket, object_)
    assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
    assert caught.value.message == message
