"""What a fault rule can know about a request: service, operation, key. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from sts_server.sandbox.faults.rule import Target
from sts_server.sandbox.oss.access import without_signature
from sts_server.sandbox.oss.addressing import Names
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.posting import is_form_upload
from sts_server.sandbox.oss.request import OssRequest, read_requests
from sts_server.sandbox.oss.table import find_operation


def oss_target(scope: Mapping[str, Any], names: Names) -> Target:
    """Describe an OSS request; what it gets wrong stays empty, and is refused by the service.

    Args:
        scope: The ASGI scope.
        names: What the sandbox is called, to tell bucket and key.
    """
    operation = key = ""
    with suppress(OssError):
        request = without_signature(read_requests(scope, names)[0])
        key = request.key
        operation = _operation(request)
    return Target("oss", operation, key)


def _operation(request: OssRequest) -> str:
    """Name the operation, also where the method or the form of the body is what tells."""
    if request.method == "OPTIONS":
        return "OptionObject"
    return "PostObject" if is_form_upload(request) else find_operation(request).name


def sts_target(scope: Mapping[str, Any], form: bytes) -> Target:
    """Describe an STS call: its action is a header (ACS3) or a parameter (RPC)."""
    header = dict(scope["headers"]).get(b"x-acs-action", b"")
    operation = header.decode("latin-1") or parameter("Action", scope, form)
    return Target("sts", operation, "")


def parameter(wanted: str, scope: Mapping[str, Any], form: bytes) -> str:
    """Give a parameter of an STS call, from its query or its form, or nothing."""
    query: bytes = scope["query_string"]
    for raw in (query, form):
        for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
            if name == wanted:
                return value
    return ""
