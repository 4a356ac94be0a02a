"""The V1 signature of OSS: what is signed, and its HMAC (OSS: "Include a V1 signature"). Pure."""

import base64
import hmac

from sts_server.sandbox.oss.request import OssRequest

# Every parameter that is part of the resource; all others are not signed. This is what the
# official signers know, taken together.
SUBRESOURCES = frozenset(
    {
        *("accessPoint", "accessPointPolicy", "acl", "append", "asyncFetch", "bucketInfo"),
        *("bucketArchiveDirectRead", "callback", "callback-var", "cloudboxes", "cname", "comp"),
        *("continuation-token", "cors", "delete", "encryption", "endTime", "group"),
        *("httpsConfig", "inventory", "inventoryId", "lifecycle", "link", "live"),
        *("location", "logging", "metaQuery", "objectInfo", "objectMeta", "partNumber"),
        *("policy", "position", "publicAccessBlock", "qos", "qosInfo", "qosRequester"),
        *("redundancyTransition", "referer", "regionList", "replication"),
        *("replicationLocation", "replicationProgress", "requestPayment", "requesterQosInfo"),
        *("resourceGroup", "resourcePool", "resourcePoolBuckets", "resourcePoolInfo"),
        *("response-cache-control", "response-content-disposition"),
        *("response-content-encoding", "response-content-language", "response-content-type"),
        *("response-expires", "restore", "security-token", "sequential", "startTime", "stat"),
        *("status", "style", "styleName", "symlink", "tagging", "transferAcceleration"),
        *("uploadId", "uploads", "versionId", "versioning", "versions", "vod", "website"),
        *("worm", "wormExtend", "wormId", "x-oss-ac-forward-allow", "x-oss-ac-source-ip"),
        *("x-oss-ac-subnet-mask", "x-oss-ac-vpc-id", "x-oss-access-point-name"),
        *("x-oss-async-process", "x-oss-process", "x-oss-redundancy-transition-taskid"),
        *("x-oss-request-payer", "x-oss-target-redundancy-type", "x-oss-traffic-limit"),
        "x-oss-write-get-object-response",
    }
)


def v1_string_to_sign(request: OssRequest, date: str) -> str:
    """Build the text whose HMAC is the signature.

    Args:
        request: The request; bucket and key stand in it as they are, not encoded.
        date: The date line: a GMT date, or the Unix seconds at which a URL expires.
    """
    headers = request.headers
    signed = "".join(f"{k}:{v}\n" for k, v in sorted(headers.items()) if k.startswith("x-oss-"))
    lines = (
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        date,
        f"{signed}{_resource(request)}",
    )
    return "\n".join(lines)


def v1_matches(secret: str, text: str, given: str) -> bool:
    """Say whether a signature was made of a text with a secret.

    Args:
        secret: The AccessKey secret.
        text: The string to sign.
        given: The signature that came along, base64.
    """
    return hmac.compare_digest(v1_sign(secret, text), given.encode(errors="surrogateescape"))


def v1_sign(secret: str, text: str) -> bytes:
    """Sign a text: HMAC-SHA1 keyed with the secret, in base64."""
    digest = hmac.digest(secret.encode(), text.encode(errors="surrogateescape"), "sha1")
    return base64.b64encode(digest)


def _resource(request: OssRequest) -> str:
    path = f"/{request.bucket}/{request.key}" if request.bucket else "/"
    signed = sorted((k, v) for k, v in request.query.items() if k in SUBRESOURCES)
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    return f"{path}?{query}" if query else path
