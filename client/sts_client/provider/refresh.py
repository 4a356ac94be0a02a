"""A refresh: how it went, for metrics; and where it runs while its caller goes on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread

from sts_client.credentials import Lease

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refresh:
    """How one refresh went, for metrics.

    Attributes:
        seconds: it took.
        lease: what came of it, or None.
        error: why nothing did, or None.
    """

    seconds: float
    lease: Lease | None = None
    error: Exception | None = None


def tell(hook: Callable[[Refresh], object] | None, refresh: Refresh) -> None:
    """Tell a hook, if there is one; what it raises is logged."""
    if hook is None:
        return
    try:
        hook(refresh)
    except Exception as error:  # noqa: BLE001 - metrics that fail must not cost a lease
        _log.warning("on_refresh raised %s", type(error).__name__)


def in_background(function: Callable[[], None]) -> None:
    """Run a function in a thread that does not keep the process alive."""
    Thread(target=function, name="sts-client-refresh", daemon=True).start()
