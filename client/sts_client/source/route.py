"""How a host is reached: proxies and certificates, as the environment has them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from sts_client.source.origin import is_loopback


def route_to(origin: str) -> Mapping[str, Any]:
    """Return what `requests.adapters.HTTPAdapter.send` is told about the way to an origin.

    This machine is reached directly, whatever the environment says: ``http://`` is accepted
    there only because it does not leave the machine, which by way of a proxy it would.

    Raises:
        OSError: the CA bundle that the environment names cannot be read.
    """
    with requests.Session() as session:
        found = session.merge_environment_settings(origin, {}, None, None, None)
    route = {name: found[name] for name in ("proxies", "verify", "cert")}
    if is_loopback(urlsplit(origin).hostname or ""):
        route["proxies"] = {}
    return route
