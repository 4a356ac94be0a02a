"""Which rights a request needs before it is served, and the condition keys it carries. Pure.

Source: OSS, "RAM Policy".
"""

from sts_server.sandbox.accounts import Identity, User
from sts_server.sandbox.oss.headers import tags_of
from sts_server.sandbox.oss.operation import Operation
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.record import Record

# A header by which a write does more than write -> the action it needs besides.
HEADER_ACTIONS = {"x-oss-tagging": "oss:PutObjectTagging", "x-oss-object-acl": "oss:PutObjectAcl"}
EXISTING_TAG = "oss:ExistingObjectTag/"
BUCKET_TAG = "oss:BucketTag/"
LISTING_ACTIONS = ("oss:ListObjects", "oss:ListObjectVersions", "oss:ListMultipartUploads")


def actions_of(operation: Operation, request: OssRequest) -> list[str]:
    """Name the RAM actions that a request needs on what it names.

    Args:
        operation: What it asks for.
        request: The request.
    """
    if not operation.action:
        return []
    if operation.action == "oss:PutObject":
        return write_actions(request)
    versioned = operation.version_action and "versionId" in request.query
    return [operation.version_action if versioned else operation.action]


def write_actions(request: OssRequest) -> list[str]:
    """Name the RAM actions that writing an object needs, by what its headers say beside it."""
    return [
        "oss:PutObject",
        *(action for header, action in HEADER_ACTIONS.items() if header in request.headers),
    ]


def facts_of(request: OssRequest, action: str) -> dict[str, str]:
    """Give the condition keys of one action that a request carries.

    Raises:
        OssError: The tags in its header cannot be read.
    """
    facts: dict[str, str] = {}
    if action in LISTING_ACTIONS:
        names = {"prefix": "oss:Prefix", "delimiter": "oss:Delimiter"}
        facts |= {key: request.query[name] for name, key in names.items() if name in request.query}
    for header in ("x-oss-acl", "x-oss-object-acl"):
        if header in request.headers:
            facts[f"oss:{header}"] = request.headers[header]
    if "x-oss-tagging" in request.headers:
        tags = tags_of(request.headers)
        facts |= {f"oss:RequestObjectTag/{key}": value for key, value in tags.items()}
    return facts


def heeds_tags(identity: Identity) -> bool:
    """Say whether some policy of a caller asks which tags an object has."""
    if isinstance(identity, User):
        policies = identity.policies
    else:
        narrowing = () if identity.policy is None else (identity.policy,)
        policies = (*identity.role.policies, *narrowing)
    return any(
        condition.key.startswith(EXISTING_TAG)
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions
    )


def existing_tags(record: Record | None) -> dict[str, str]:
    """Give the condition keys that an object's own tags make."""
    tags = record.tags if record else {}
    return {f"{EXISTING_TAG}{key}": value for key, value in tags.items()}


def bucket_tags(bucket: Bucket | None) -> dict[str, str]:
    """Give the condition keys that a bucket's own tags make."""
    tags = bucket.tags if bucket else {}
    return {f"{BUCKET_TAG}{key}": value for key, value in tags.items()}
