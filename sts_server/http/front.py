"""The front: what every request goes through before it reaches a route."""

from starlette.types import ASGIApp

from sts_server.http.cors import Cors, Preflights
from sts_server.http.door import Door
from sts_server.http.envelope import Envelope
from sts_server.http.local import LocalOnly
from sts_server.http.peers import Peers
from sts_server.rates import Rate
from sts_server.settings.server import ServerTable


def front(inside: ASGIApp, server: ServerTable, *, insecure_dev: bool) -> ASGIApp:
    """Put the front before an application, the innermost part first."""
    # Inside the door: a preflight is counted, and its head looked at, as any request's.
    app: ASGIApp = Door(
        Preflights(inside, server.allow_origins),
        peers=Peers(server.proxies),
        rate=Rate(server.requests_per_address),
        root_path=server.root_path,
    )
    if insecure_dev:
        app = LocalOnly(app, server.allow_origins)
    # A page must be able to read a refusal, too.
    if server.allow_origins:
        app = Cors(app, server.allow_origins)
    # Outermost, so that even what Starlette answers to a fault of our own is sealed.
    return Envelope(app)
