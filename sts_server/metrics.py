"""The metrics: what this server counts of its own work, in a registry of its own.

A label is never what a stranger chose: grants are those of the configuration, all other labels are
words of this program. Nothing here tells one caller from another; the audit log does.
"""

import platform
import time
from collections.abc import Awaitable, Callable, Container, Iterator
from functools import lru_cache
from typing import Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from sts_server import __version__
from sts_server.audit import Record
from sts_server.cache.counts import Counts
from sts_server.clock import Clock, from_wire, system_clock
from sts_server.errors import (
    AuditUnwritten,
    Refusal,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)

_LIFE: Final = (300, 450, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)  # seconds, to the longest
_LATENCY: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Metrics:
    """All counters of one process. They outlive a reload of the configuration."""

    def __init__(self, *, clock: Clock = system_clock, stopwatch: Clock = time.monotonic) -> None:
        """Begin at nothing.

        Args:
            clock: tells how long a lease still lives.
            stopwatch: measures calls; unlike a clock it is never set.
        """
        self._clock = clock
        self._stopwatch = stopwatch
        self.cache = Counts()
        self.registry = registry = CollectorRegistry()
        registry.register(_CacheCollector(self.cache))
        ProcessCollector(registry=registry)
        build = Gauge(
            "sts_server_build_info", "This program.", ["version", "python"], registry=registry
        )
        build.labels(__version__, platform.python_version()).set(1)
        self._asks = Counter(
            "sts_server_asks", "Asks decided.", ["grant", "outcome"], registry=registry
        )
        self._ask: dict[tuple[str, str], Counter] = {}
        self._unwritten = Counter(
            "sts_server_audit_failures",
            "Decisions dropped, answered with 500, since their audit line could not be written.",
            registry=registry,
        )
        self._life = Histogram(
            "sts_server_lease_life_left_seconds",
            "Life left in the leases handed out.",
            buckets=_LIFE,
            registry=registry,
        )
        self._logins = Counter(
            "sts_server_logins", "Proofs judged.", ["kind", "outcome"], registry=registry
        )
        self._login: dict[tuple[str, str], Counter] = {}
        self._calls = Histogram(
            "sts_server_upstream_call_seconds",
            "Calls to STS, and how long each took.",
            ["call", "outcome"],
            buckets=_LATENCY,
            registry=registry,
        )
        for failure in (UpstreamRefused, UpstreamThrottled, UpstreamUnavailable):
            # Prometheus sees no increase where a series begins at 1.
            self._calls.labels("AssumeRole", failure.__name__)
        self._under_way = Gauge(
            "sts_server_upstream_calls_under_way", "AssumeRole calls now.", registry=registry
        )
        self._queue = Gauge(
            "sts_server_upstream_queue", "Calls to STS that wait for their turn.", registry=registry
        )
        self._kept = Gauge("sts_server_leases_kept", "Leases in the cache.", registry=registry)
        self._ready = Gauge("sts_server_ready", "1 if this server can vend.", registry=registry)

    def read(
        self,
        *,
        under_way: Callable[[], int] | None = None,
        queue: Callable[[], int] | None = None,
        kept: Callable[[], int] | None = None,
        ready: Callable[[], bool] | None = None,
    ) -> None:
        """Name where to read what is not counted but looked up; may be said again."""
        for gauge, source in (
            (self._under_way, under_way),
            (self._queue, queue),
            (self._kept, kept),
            (self._ready, ready),
        ):
            if source is not None:
                gauge.set_function(source)

    def audited(
        self, audit: Callable[[Record], None], grants: Container[str]
    ) -> Callable[[Record], None]:
        """Count what is written to an audit log: so counts and audit lines cannot disagree.

        Args:
            audit: writes a line, or raises OSError.
            grants: the names that may stand in a label.

        Returns:
            what writes and counts a line, or raises AuditUnwritten.
        """

        def write(record: Record) -> None:
            try:
                audit(record)
            except OSError as error:
                self._unwritten.inc()
                raise AuditUnwritten(error.strerror or type(error).__name__) from None
            self._decided(record, grants)

        return write

    def proven(self, kind: str, refusal: Refusal | None) -> None:
        """Count one proof, judged by a kind of login."""
        key = (kind, "proven" if refusal is None else refusal.code)
        # Finding a child by its labels costs three times as much as counting.
        if (child := self._login.get(key)) is None:
            child = self._login[key] = self._logins.labels(*key)
        child.inc()

    def called(self, name: str, outcome: str, seconds: float) -> None:
        """Count one call to STS, both words this program's own."""
        self._calls.labels(name, outcome).observe(seconds)

    def timed(self, name: str, call: Callable[_P, Awaitable[_T]]) -> Callable[_P, Awaitable[_T]]:
        """Count and measure the calls to STS of one name, where nobody else does."""

        async def measured(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            outcome, started = "abandoned", self._stopwatch()
            try:
                answer = await call(*args, **kwargs)
                outcome = "answered"
            except Exception as error:
                outcome = error.code if isinstance(error, Refusal) else "failed"
                raise
            finally:
                self.called(name, outcome, self._stopwatch() - started)
            return answer

        return measured

    def _decided(self, record: Record, grants: Container[str]) -> None:
        grant = record.get("grant")
        key = (
            grant if isinstance(grant, str) and grant in grants else "unknown",
            # Both are words of this program: a code is the name of one of its errors.
            str(record.get("code", record["outcome"])),
        )
        if (child := self._ask.get(key)) is None:
            child = self._ask[key] = self._asks.labels(*key)
        child.inc()
        if "expiry" in record:
            self._life.observe(_moment(str(record["expiry"])) - self._clock())


class _CacheCollector(Collector):
    """Reads the cache's counts when they are asked for, so that counting costs next to nothing."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Give the counts as they are now."""
        asks = CounterMetricFamily(
            "sts_server_cache_asks",
            "Asks of the cache: hits, misses that started a call, waiters for another's call.",
            labels=["result"],
        )
        asks.add_metric(["hit"], self._counts.hits)
        asks.add_metric(["miss"], self._counts.misses)
        asks.add_metric(["waiter"], self._counts.waiters)
        yield asks
        yield CounterMetricFamily(
            "sts_server_cache_refreshes",
            "Calls started behind a hit.",
            value=self._counts.refreshes,
        )


_moment = lru_cache(maxsize=4096)(from_wire)  # a lease is handed out again and again
