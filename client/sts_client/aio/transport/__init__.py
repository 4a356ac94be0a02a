"""HTTP over httpx: what is sent, what comes, and what it means when nothing does."""

from sts_client.aio.transport.body import bounded
from sts_client.aio.transport.failure import TROUBLE, failure_of
from sts_client.aio.transport.library import httpx
from sts_client.aio.transport.route import adapter_to
from sts_client.aio.transport.transport import Transport
from sts_client.aio.transport.url import exactly

__all__ = ["TROUBLE", "Transport", "adapter_to", "bounded", "exactly", "failure_of", "httpx"]
