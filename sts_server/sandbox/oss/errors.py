"""Refusals in OSS's own words: status, Code, Message, EC and the elements a code brings along.

Statuses, codes and EC numbers: OSS documentation "Error codes" and the page of each EC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sts_server.sandbox.errors import SandboxError

OTHER_EC = "0000-00000000"


@dataclass(eq=False)
class OssError(SandboxError):
    """One refusal, ready to be rendered.

    Attributes:
        status: HTTP status.
        code: OSS error code.
        message: For people.
        ec: The finer error-cause code.
        details: More elements of the error document, in order.
        headers: More headers of the answer.
    """

    status: int
    code: str
    message: str
    ec: str = OTHER_EC
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.status} {self.code} ({self.ec})"


def invalid_argument(name: str, value: str, message: str, ec: str = OTHER_EC) -> OssError:
    """Refuse a parameter, a header or a field that cannot be read."""
    details = {"ArgumentName": name, "ArgumentValue": value}
    return OssError(400, "InvalidArgument", message, ec, details)


def header_not_implemented(header: str) -> OssError:
    """Refuse a header that OSS, or this sandbox, gives no meaning to on this operation."""
    return OssError(
        400,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented.",
        "0017-00000245",
        {"Header": header},
    )


def operation_not_implemented(operation: str) -> OssError:
    """Refuse an operation or a parameter that the sandbox does not have."""
    return OssError(
        400,
        "NotImplemented",
        "The sandbox does not implement this operation or parameter.",
        "0017-00000245",
        {"Operation": operation},
    )


def method_not_allowed(method: str, resource: str) -> OssError:
    """Refuse a method that a kind of resource does not know."""
    return OssError(
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        details={"Method": method, "ResourceType": resource},
    )


def no_such_bucket(bucket: str) -> OssError:
    """Say that the bucket does not exist."""
    return OssError(
        404,
        "NoSuchBucket",
        "The specified bucket does not exist.",
        "0015-00000101",
        {"BucketName": bucket},
    )


def no_such_key(key: str) -> OssError:
    """Say that the object does not exist."""
    return OssError(
        404, "NoSuchKey", "The specified key does not exist.", "0026-00000001", {"Key": key}
    )


def no_such_version(key: str, version: str) -> OssError:
    """Say that the object has no such version."""
    return OssError(
        404,
        "NoSuchVersion",
        "The specified version does not exist.",
        details={"Key": key, "VersionId": version},
    )


def malformed_xml(reason: str) -> OssError:
    """Refuse a document that is not the one that the operation reads."""
    return OssError(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published "
        f"schema: {reason}.",
        "0031-00000001",
    )


def access_denied(message: str, ec: str) -> OssError:
    """Refuse a caller who is known, or nobody, and may not do this."""
    return OssError(403, "AccessDenied", message, ec)


def denied_by_policy() -> OssError:
    """Refuse what the caller's RAM or session policy does not allow."""
    return access_denied("Access denied by authorizer's policy.", "0003-00000201")


def file_already_exists(key: str) -> OssError:
    """Refuse a write that forbids overwriting."""
    return OssError(
        409,
        "FileAlreadyExists",
        "The object you specified already exists and can not be overwritten.",
        "0026-00000002",
        {"Key": key},
    )


def precondition_failed(header: str) -> OssError:
    """Refuse a read whose If-Match or If-Unmodified-Since does not hold."""
    return OssError(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold.",
        "0017-00001001",
        {"Condition": header},
    )


def invalid_range(range_header: str, size: int) -> OssError:
    """Refuse a range that begins behind the end, asked for in the standard manner."""
    return OssError(
        416,
        "InvalidRange",
        "The requested range cannot be satisfied.",
        details={"ActualObjectSize": str(size), "RangeHeader": range_header},
        headers={"Content-Range": f"bytes */{size}"},
    )


def internal_error() -> OssError:
    """Say that the fault is the sandbox's; the reason is in its log."""
    return OssError(500, "InternalError", "We encountered an internal error. Please try again.")
