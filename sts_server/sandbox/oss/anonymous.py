"""What somebody without a key may do: what the ACL of the bucket or of the object lets everyone.

Source: OSS, "Bucket ACLs" and "Object ACLs". Pure.
"""

from collections.abc import Iterable

from sts_server.sandbox.oss.errors import OssError, access_denied

_READ = frozenset({"oss:GetObject"})
_WRITE = frozenset(
    {"oss:AbortMultipartUpload", "oss:DeleteObject", "oss:ListParts", "oss:PutObject"}
)
_OF_BUCKET = "oss:DeleteObject"  # no object's own ACL decides this
OPENED = {
    "private": frozenset[str](),
    "public-read": _READ,
    "public-read-write": _READ | _WRITE,
}


def check_anonymous(action: str, bucket_acl: str, object_acl: str = "default") -> None:
    """Judge an unsigned request.

    Args:
        action: The RAM action that it amounts to, `oss:GetObject`.
        bucket_acl: `private`, `public-read` or `public-read-write`.
        object_acl: The same for the object; `default` leaves it to the bucket.

    Raises:
        OssError: Not everybody may do this.
    """
    if action not in _READ | _WRITE:
        raise forbidden_to_nobody()
    level = "bucket" if object_acl == "default" or action == _OF_BUCKET else "object"
    if action not in OPENED[bucket_acl if level == "bucket" else object_acl]:
        raise access_denied(
            f"You have no right to access this object because of {level} acl.", "0003-00000001"
        )


def check_unsigned(query: Iterable[str]) -> None:
    """Refuse parameters that only a signed request may have (OSS: "GetObject", response-*).

    Args:
        query: Names of the parameters.

    Raises:
        OssError: One of them changes the headers of the answer, which would let whoever writes a
            link choose how a browser reads somebody else's object.
    """
    for name in query:
        if name.startswith("response-"):
            raise OssError(
                400,
                "InvalidRequest",
                "Only a signed request may choose headers of the answer.",
                details={"ArgumentName": name},
            )


def forbidden_to_nobody() -> OssError:
    """Refuse what no ACL can open to everybody."""
    return access_denied("Anonymous access is forbidden for this operation.", "0003-00000905")
