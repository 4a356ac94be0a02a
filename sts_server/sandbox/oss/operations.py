"""Which operation a request is, what it needs of RAM, and what it understands.

A query parameter or an `x-oss-` header that an operation does not understand is refused by name:
a subresource that is silently ignored would turn one operation into another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sts_server.sandbox.oss.errors import (
    header_not_implemented,
    method_not_allowed,
    operation_not_implemented,
)
from sts_server.sandbox.oss.request import OssRequest

COMMON_HEADERS = frozenset({"x-oss-content-sha256", "x-oss-date", "x-oss-security-token"})
META = "x-oss-meta-"
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")

# Query parameter of GetObject -> the response header it replaces.
RESPONSE_OVERRIDES: Mapping[str, str] = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
METHODS = ("GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS")


@dataclass(frozen=True)
class Operation:
    """One operation of the OSS API.

    Attributes:
        name: As the API reference calls it.
        action: The RAM action it needs (OSS: "RAM Policy").
        parameters: Query parameters it understands.
        headers: `x-oss-` headers it understands beyond the common ones.
        conditional: Whether it knows the four If- headers.
    """

    name: str
    action: str
    parameters: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    conditional: bool = False


_READ_HEADERS = frozenset({"x-oss-range-behavior"})
LIST_OBJECTS_V2 = Operation(
    "ListObjectsV2",
    "oss:ListObjects",
    frozenset(
        {
            "continuation-token",
            "delimiter",
            "encoding-type",
            "fetch-owner",
            "list-type",
            "max-keys",
            "prefix",
            "start-after",
        }
    ),
)
GET_OBJECT = Operation(
    "GetObject", "oss:GetObject", frozenset(RESPONSE_OVERRIDES), _READ_HEADERS, conditional=True
)
HEAD_OBJECT = Operation("HeadObject", "oss:GetObject", headers=_READ_HEADERS, conditional=True)
PUT_OBJECT = Operation(
    "PutObject",
    "oss:PutObject",
    headers=frozenset({"x-oss-forbid-overwrite", "x-oss-storage-class", META}),
)
DELETE_OBJECT = Operation("DeleteObject", "oss:DeleteObject")

_OBJECT_OPERATIONS: Mapping[str, Operation] = {
    "GET": GET_OBJECT,
    "HEAD": HEAD_OBJECT,
    "PUT": PUT_OBJECT,
    "DELETE": DELETE_OBJECT,
}


def find_operation(request: OssRequest) -> Operation:
    """Name the operation that a request asks for.

    Args:
        request: The request.

    Raises:
        OssError: The method does not exist, or the sandbox lacks the operation, a parameter or a
            header of it.
    """
    if request.method not in METHODS:
        raise method_not_allowed(request.method, _resource_type(request))
    operation = _candidate(request)
    if operation is None:
        raise operation_not_implemented(_described(request))
    for name in request.query:
        if name not in operation.parameters:
            raise operation_not_implemented(f"{operation.name} with {name}")
    for name in request.headers:
        if not _understood(name, operation):
            raise header_not_implemented(name.title() if name in CONDITIONS else name)
    return operation


def _candidate(request: OssRequest) -> Operation | None:
    if request.key:
        return _OBJECT_OPERATIONS.get(request.method)
    if request.bucket and request.method == "GET" and request.query.get("list-type") == "2":
        return LIST_OBJECTS_V2
    return None


def _understood(name: str, operation: Operation) -> bool:
    if name in CONDITIONS:
        return operation.conditional
    if not name.startswith("x-oss-"):
        return True
    if name.startswith(META):
        return META in operation.headers
    return name in COMMON_HEADERS or name in operation.headers


def _resource_type(request: OssRequest) -> str:
    if request.key:
        return "OBJECT"
    return "BUCKET" if request.bucket else "SERVICE"


def _described(request: OssRequest) -> str:
    names = "&".join(request.query)
    return f"{request.method} {_resource_type(request)}{'?' if names else ''}{names}"
