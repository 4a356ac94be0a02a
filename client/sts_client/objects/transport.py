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

CONNECTIONS = 64
"""Idle connections kept at most; more threads than that open and close their own."""


class Transport:
    """Sends prepared requests over kept connections; safe to share between threads.

    Proxies and the CA bundle come from the environment, read when a host is first spoken to.
    """

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS)
        self._settings: dict[str, Mapping[str, Any]] = {}

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
        settings = self._settings.get(origin)
        if settings is None:
            settings = self._settings[origin] = _from_environment(origin)
        try:
            return self._adapter.send(request, stream=True, timeout=self._timeout, **settings)
        except StsClientError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NetworkError.of(error, origin) from None

    def close(self) -> None:
        """Close idle connections. Answers that are still being read go on."""
        self._adapter.close()


def _from_environment(origin: str) -> Mapping[str, Any]:
    with requests.Session() as session:
        found = session.merge_environment_settings(origin, {}, None, None, None)
    return {name: found[name] for name in ("proxies", "verify", "cert")}
