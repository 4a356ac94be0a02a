"""How a host is reached: the same proxies and certificates as with threads, see `route_to`."""

import ssl
from functools import partial
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from sts_client.aio.threads import in_thread
from sts_client.aio.transport.failure import TROUBLE
from sts_client.aio.transport.library import httpx
from sts_client.errors import ConnectFailed, TlsFailed, UsageError
from sts_client.source import route_to


async def adapter_to(origin: str, *, idle: int) -> httpx.AsyncHTTPTransport:
    """Return what sends requests to an origin: no client, which would add and follow things.

    Args:
        origin: scheme and host, perhaps a port.
        idle: kept open at the most.

    Raises:
        TlsFailed: the CA bundle that the environment names cannot be read.
        ConnectFailed: the proxy that it names is none.
        UsageError: that proxy takes a package that is not there.
    """
    route = route_to(origin)
    proxy = select_proxy(origin, route["proxies"])
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    if origin.startswith("https:") or (proxy or "").startswith("https:"):
        named = route["verify"]
        bundle = named if isinstance(named, str) else DEFAULT_CA_BUNDLE_PATH
        context = await in_thread(partial(_trusting, Path(bundle)))
    else:
        # Given in any case: the library would else load the bundle here and now, in the loop.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=idle),
            proxy=httpx.Proxy(proxy, ssl_context=_if_secure(proxy, context)) if proxy else None,
        )
    except ImportError:
        raise UsageError(
            'a SOCKS proxy in the environment needs socksio: pip install "httpx[socks]"'
        ) from None
    except (*TROUBLE, ValueError):
        failure = ConnectFailed.by_proxy(origin)
    raise failure


def _trusting(bundle: Path) -> ssl.SSLContext:
    try:
        if bundle.is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError:
        raise TlsFailed.without_bundle() from None


def _if_secure(proxy: str, context: ssl.SSLContext) -> ssl.SSLContext | None:
    return context if proxy.startswith("https:") else None
