"""One HTTP exchange with OSS: a signed request out, the head of an answer in, nothing else.

A `requests` adapter, not a session. A session would look into ``~/.netrc``, follow redirects and
keep cookies; each of them sends secrets where they do not belong, or replaces them.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sts_client.errors import NetworkError, StsClientError
from sts_client.source import route_to

CONNECTIONS = 64
"""Idle connections kept at most; more threads than that open and close their own."""


class Transport:
    """Sends prepared requests over kept connections; safe to share between threads.

    Proxies and the CA bundle come from the environment, read when a host is first spoken to; this
    machine is reached without a proxy.
    """

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        self._start()

    def _start(self) -> None:
        self._routes: dict[str, Mapping[str, Any]] = {}
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS)
        # Last: a thread of a forked child that finds this done finds the rest done too.
        self._process = os.getpid()

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """Return the answer with its body still unread: the caller reads or closes it.

        Raises:
            NetworkError: there is none.
            PayloadError: from the body that is being sent.
        """
        if self._process != os.getpid():
            # Two processes that write to one connection would read each other's answers.
            self._start()
        url = str(request.url)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        try:
            route = self._routes.get(origin)
            if route is None:
                route = self._routes[origin] = route_to(origin)
            return self._adapter.send(request, stream=True, timeout=self._timeout, **route)
        except StsClientError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = NetworkError.of(error, origin)
        # Raised out here: as its context the library's error, which holds the request and so the
        # security token, would travel along into any report of it, even after `from None`.
        raise failure

    def close(self) -> None:
        """Close idle connections. Answers that are still being read go on."""
        self._adapter.close()
