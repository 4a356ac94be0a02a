"""Opens STS by what a configuration says, with a key that is looked for at once."""

import logging
from pathlib import Path

from sts_server.access_key import KeySources
from sts_server.clock import Clock, system_clock
from sts_server.errors import ConfigError, KeyNotFound
from sts_server.settings.sts import StsTable
from sts_server.upstream.own_key import OwnKey
from sts_server.upstream.sdk import Connection
from sts_server.upstream.sources import source_of
from sts_server.upstream.sts import Bounds, Observed, Sts, observe_nothing

_log = logging.getLogger(__name__)


def open_sts(
    table: StsTable,
    sources: KeySources,
    *,
    endpoint: str,
    region: str,
    ca_bundle: str | None = None,
    clock: Clock = system_clock,
    observed: Observed = observe_nothing,
) -> Sts:
    """Give STS as it is called from now on.

    Args:
        table: how much, how often and how long it is asked.
        sources: where our own key is.
        endpoint: where STS is.
        region: such as `cn-hangzhou`.
        ca_bundle: a file of certificates to trust.
        clock: tells when a lease was asked for.
        observed: is told how each AssumeRole call ended.

    Raises:
        ConfigError: there is no key, or no such file. A key whose source is only away is looked for
            again when it is needed.
    """
    if ca_bundle is not None and not Path(ca_bundle).exists():
        names = "ALIBABA_CLOUD_CA_BUNDLE or REQUESTS_CA_BUNDLE"
        raise ConfigError([f"environment: {names} names {ca_bundle}, which does not exist"])
    own_key = OwnKey(source_of(sources, endpoint))
    try:
        own_key.look()
    except KeyNotFound as error:
        if not error.may_pass:
            raise ConfigError([f"environment: {error}"]) from None
        _log.warning("%s; looking again when it is needed", error)
    connection = Connection(
        own_key, endpoint=endpoint, region=region, ca_bundle=ca_bundle, size=table.max_calls + 1
    )
    bounds = Bounds(
        max_calls=table.max_calls,
        calls_per_minute=table.calls_per_minute,
        queue=table.queue,
        connect_timeout=table.connect_timeout,
        read_timeout=table.read_timeout,
        deadline=table.deadline,
    )
    return Sts(connection, bounds, clock=clock, observed=observed)
