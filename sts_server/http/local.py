"""For development: answers this machine's own programs and pages, and no page of a stranger.

A page can make its name mean 127.0.0.1 (DNS rebinding): then the browser reaches us and believes
that we are the page's own server. But it says the page's name in `Host`. A page can also have an
image or a form ask here, without an `Origin`. But then the browser says so in `Sec-Fetch-Site`.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from sts_server.http import answers

_OWN_WISH = frozenset({b"none", b"same-origin"})  # Fetch Metadata: the user's, or a page's of ours
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
        elif not self._may_ask(b"http://" + hosts[0], scope):
            app = answers.problem(
                HTTPStatus.FORBIDDEN,
                "ForeignOrigin",
                title="A page from elsewhere may not ask",
                detail="with --insecure-dev only pages in server.allow_origins may ask",
                request_id=request_id,
            )
        await app(scope, receive, send)

    def _may_ask(self, ours: bytes, scope: Scope) -> bool:
        origins = {value for name, value in scope["headers"] if name == b"origin"}
        sites = {value for name, value in scope["headers"] if name == b"sec-fetch-site"}
        # A listed page is of another site, or of another port of this one.
        is_listed = bool(origins) and origins <= self._origins
        return is_listed or (origins <= {ours, *self._origins} and sites <= _OWN_WISH)
