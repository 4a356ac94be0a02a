"""For development: answers this machine's own programs and pages, and no page of a stranger.

A page can make its name mean 127.0.0.1 (DNS rebinding): then the browser reaches us and believes
that we are the page's own server. But it says the page's name in `Host`.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from sts_server.http import answers

_OURS = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class LocalOnly:
    """Wraps an application that asks nobody who they are."""

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        """Wrap `app`; pages of these `origins` may ask too."""
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        request_id: str = scope["state"]["request_id"]
        app = self._app
        if len(hosts) != 1 or not _OURS.fullmatch(hosts[0]):
            app = answers.problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "MisdirectedRequest",
                title="This host is not served",
                detail="with --insecure-dev the server is localhost, 127.0.0.1 or [::1] only",
                request_id=request_id,
            )
        elif any(
            origin != b"http://" + hosts[0] and origin not in self._origins for origin in origins
        ):
            app = answers.problem(
                HTTPStatus.FORBIDDEN,
                "ForeignOrigin",
                title="A page from elsewhere may not ask",
                detail="with --insecure-dev only pages in server.allow_origins may ask",
                request_id=request_id,
            )
        await app(scope, receive, send)
