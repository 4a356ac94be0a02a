"""The door: turns away peers in haste, and heads that are too much, before reading closely."""

import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sts_server.errors import TooManyRequests
from sts_server.http import answers, heads
from sts_server.http.health import ALIVE, READY
from sts_server.http.peers import Peers
from sts_server.http.seldom import Seldom
from sts_server.rates import Rate

# Asked by who ends a server that gives no answer, maybe from the address of those in haste.
_PROBED = frozenset({ALIVE, READY})

_log = logging.getLogger(__name__)


class Door:
    """Wraps an application."""

    def __init__(self, app: ASGIApp, *, peers: Peers, rate: Rate, root_path: str = "") -> None:
        """Wrap `app`.

        Args:
            app: what is behind the door.
            peers: names who is counted.
            rate: how often one of them may ask.
            root_path: a proxy serves us below it, and takes it off or leaves it: both are read.
        """
        self._app = app
        self._peers = peers
        self._rate = rate
        self._root_path = root_path
        self._seldom = Seldom(_log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if self._root_path and path.startswith(self._root_path + "/"):
            # Starlette takes it off the path that it finds a route for.
            scope["root_path"] = self._root_path
            path = path.removeprefix(self._root_path)
        app = self._hasty(path, scope) or self._fault(scope) or self._app
        await app(scope, receive, send)

    def _hasty(self, path: str, scope: Scope) -> ASGIApp | None:
        if path in _PROBED:
            return None
        client = scope["client"]  # None if it cannot be told: they are counted together
        name = self._peers.name(client[0] if client else "")
        if name is not None and (wait := self._rate.wait(name)):
            self._seldom.warn(
                "%s asked more than %d times in a minute (server.requests_per_address)",
                name,
                self._rate.per_minute,
            )
            error = TooManyRequests("too many requests from this address", retry_after=wait)
            return _last(answers.refusal(error, scope["state"]["request_id"]), scope)
        return None

    def _fault(self, scope: Scope) -> ASGIApp | None:
        fault = heads.fault(scope["raw_path"], scope["query_string"], scope["headers"])
        if fault is not None:
            problem = answers.problem(
                fault.status,
                fault.code,
                title=fault.title,
                detail=fault.detail,
                request_id=scope["state"]["request_id"],
            )
            return _last(problem, scope)
        return None


def _last(answer: Response, scope: Scope) -> Response:
    """Let an answer end its connection: a peer that is too much must knock again each time."""
    # After a body it ends anyway, and slowly: closing at once would take the answer back (RST).
    if not heads.has_body(scope["headers"]):
        answer.headers["Connection"] = "close"
    return answer
