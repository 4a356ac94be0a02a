"""The requests that the sandbox has seen lately, without anything secret in them."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote_plus

MAX_REQUESTS = 10_000
SECRET_PARAMETERS = frozenset(
    {
        "oidctoken",
        "samlassertion",
        "security-token",
        "securitytoken",
        "signature",
        "x-oss-security-token",
        "x-oss-signature",
    }
)
SHOWN_HEADERS = re.compile(
    r"host|user-agent|range|if-.*|content-(type|length|md5)|date|"
    r"x-oss-(acl|complete-all|copy-source.*|date|forbid-overwrite|meta-.*|metadata-directive|"
    r"object-acl|range-behavior|storage-class|symlink-target|tagging.*)|"
    r"origin|access-control-request-.*"
)


@dataclass(frozen=True)
class Seen:
    """One request and what became of it; `code` is empty when it was served."""

    service: str
    operation: str
    method: str
    path: str
    query: str
    status: int
    code: str
    access_key_id: str
    headers: Mapping[str, str]


class RequestLog:
    """A ring of the newest requests.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int = MAX_REQUESTS) -> None:
        self._ring: deque[Seen] = deque(maxlen=size)

    def add(
        self,
        scope: Mapping[str, Any],
        *,
        service: str,
        operation: str,
        access_key_id: str,
        status: int,
        code: str,
    ) -> None:
        """Keep one request.

        Args:
            scope: Its ASGI scope.
            service: `oss` or `sts`.
            operation: Name of the operation, empty when it was refused before it had one.
            access_key_id: The proven or claimed key, empty when there was none.
            status: HTTP status of the answer; 0 when a fault cut the connection instead.
            code: Error code of the answer, empty when there was none.
        """
        self._ring.append(
            Seen(
                service=service,
                operation=operation,
                method=scope["method"],
                path=scope["raw_path"].decode("latin-1"),
                query=_masked(scope["query_string"].decode("latin-1")),
                status=status,
                code=code,
                access_key_id=access_key_id,
                headers=_shown(scope["headers"]),
            )
        )

    def clear(self) -> None:
        """Forget all requests."""
        self._ring.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """List all requests, oldest first, as JSON values."""
        return [asdict(seen) for seen in self._ring]


def _masked(query: str) -> str:
    """Hide the values of secret parameters, however their names are written."""
    shown = []
    for pair in query.split("&"):
        name, equals, _ = pair.partition("=")
        secret = equals and unquote_plus(name).lower() in SECRET_PARAMETERS
        shown.append(f"{name}=***" if secret else pair)
    return "&".join(shown)


def _shown(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    texts = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return {name: value for name, value in texts if SHOWN_HEADERS.fullmatch(name)}
