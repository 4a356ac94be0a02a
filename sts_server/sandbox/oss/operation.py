"""What one operation is: how a request asks for it, what it needs of RAM, what it understands.

A query parameter or an `x-oss-` header that an operation does not understand is refused by name:
a subresource that is silently ignored would turn one operation into another.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sts_server.sandbox.oss.answer import Answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import (
    header_not_implemented,
    method_not_allowed,
    operation_not_implemented,
)
from sts_server.sandbox.oss.request import OssRequest

COMMON_HEADERS = frozenset(
    {
        "x-oss-content-sha256",
        "x-oss-date",
        "x-oss-security-token",
        "x-oss-user-agent",  # ali-oss's own name, where a browser does not let it set User-Agent
    }
)
META = "x-oss-meta-"
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
METHODS = ("GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS")

Handler = Callable[[Call], Awaitable[Answer]]


class Level(StrEnum):
    """What a request speaks of, as MethodNotAllowed calls it."""

    SERVICE = "SERVICE"
    BUCKET = "BUCKET"
    OBJECT = "OBJECT"


@dataclass(frozen=True)
class Operation:
    """One operation of the OSS API.

    Attributes:
        name: As the API reference calls it.
        method: The HTTP method.
        level: What it speaks of.
        action: The RAM action it needs (OSS: "RAM Policy"); empty when only its body tells, and
            the handler demands every right itself.
        perform: Does it.
        when: Query parameters that a request must have to ask for it, each `name` or
            `name=value`; of several operations the one that wants most is meant.
        header: A header that a request must have to ask for it.
        parameters: Further query parameters it understands.
        headers: `x-oss-` headers it understands beyond the common ones; one that ends in `-`
            stands for all that begin with it.
        conditional: Whether it knows the four If- headers.
        version_action: The RAM action it needs instead when `versionId` is given.
        creates_bucket: Whether its bucket need not exist.
    """

    name: str
    method: str
    level: Level
    action: str
    perform: Handler
    when: tuple[str, ...] = ()
    header: str = ""
    parameters: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    conditional: bool = False
    version_action: str = ""
    creates_bucket: bool = False

    def asked(self, request: OssRequest) -> bool:
        """Say whether a request has all that asks for this operation."""
        return (
            request.method == self.method
            and level(request) is self.level
            and (not self.header or self.header in request.headers)
            and all(_has(request, wish) for wish in self.when)
        )

    def understands_header(self, name: str) -> bool:
        """Say whether a header, in lower case, has a meaning to it, or none anywhere in OSS."""
        if name in CONDITIONS:
            return self.conditional
        if not name.startswith("x-oss-") or name in COMMON_HEADERS or name == self.header:
            return True
        return name in self.headers or any(
            name.startswith(prefix) for prefix in self.headers if prefix.endswith("-")
        )

    def understands_parameter(self, name: str) -> bool:
        """Say whether a query parameter has a meaning to it."""
        if name in self.parameters or (name == "versionId" and self.version_action):
            return True
        return any(name == wish.partition("=")[0] for wish in self.when)


def level(request: OssRequest) -> Level:
    """Say what a request speaks of."""
    if request.key:
        return Level.OBJECT
    return Level.BUCKET if request.bucket else Level.SERVICE


def best(operations: Iterable[Operation], request: OssRequest) -> Operation | None:
    """Find the operation that a request has most to ask for with, whatever else it holds."""
    asked = (one for one in operations if one.asked(request))
    return max(asked, key=lambda one: len(one.when) + bool(one.header), default=None)


def choose(operations: Iterable[Operation], request: OssRequest) -> Operation:
    """Name the operation that a request asks for.

    Args:
        operations: All there are.
        request: The request.

    Raises:
        OssError: The method does not exist, or the sandbox lacks the operation, a parameter or a
            header of it.
    """
    if request.method not in METHODS:
        raise method_not_allowed(request.method, level(request))
    operation = best(operations, request)
    if operation is None:
        raise operation_not_implemented(_described(request))
    for name in request.query:
        if not operation.understands_parameter(name):
            raise operation_not_implemented(f"{operation.name} with {name}")
    for name in request.headers:
        if not operation.understands_header(name):
            raise header_not_implemented(name.title() if name in CONDITIONS else name)
    return operation


def _has(request: OssRequest, wish: str) -> bool:
    name, equals, value = wish.partition("=")
    return name in request.query and (not equals or request.query[name] == value)


def _described(request: OssRequest) -> str:
    names = "&".join(request.query)
    return f"{request.method} {level(request)}{'?' if names else ''}{names}"
