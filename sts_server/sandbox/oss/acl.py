"""Access control lists: what they let everybody do (OSS: "Bucket ACL", "Object ACL"). Pure."""

BUCKET_ACLS = ("private", "public-read", "public-read-write")
OBJECT_ACLS = ("default", *BUCKET_ACLS)

# What reads and what writes an object or a bucket, of all that an ACL can open to everybody.
READS = frozenset({"oss:GetObject", "oss:ListObjects"})
WRITES = frozenset(
    {"oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload", "oss:ListParts"}
)
OF_BUCKET = frozenset({"oss:ListObjects", "oss:DeleteObject"})  # no object's own ACL decides these


def acl_allows(bucket_acl: str, object_acl: str, action: str) -> bool:
    """Say whether ACLs alone let everybody do something.

    Args:
        bucket_acl: ACL of the bucket.
        object_acl: ACL of the object; `default`, also when there is no object, stands for that of
            the bucket.
        action: The RAM action.
    """
    own = "default" if action in OF_BUCKET else object_acl
    acl = bucket_acl if own == "default" else own
    if action in READS:
        return acl in ("public-read", "public-read-write")
    return action in WRITES and acl == "public-read-write"
