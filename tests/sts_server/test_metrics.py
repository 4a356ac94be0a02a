"""The metrics: they add up, and nobody but us chooses a label."""

import asyncio
import platform

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from sts_server import __version__
from sts_server.audit import Record
from sts_server.clock import to_wire
from sts_server.errors import AuditUnwritten, GrantDenied, Unauthenticated, UpstreamThrottled
from sts_server.metrics import Metrics
from tests.sts_server.parts import T0, SetClock

GRANTS = {"uploads", "staff-only"}

VENDED = st.fixed_dictionaries(
    {
        "grant": st.sampled_from(sorted(GRANTS)),
        "outcome": st.just("vended"),
        "expiry": st.integers(0, 43_200).map(lambda left: to_wire(T0 + left)),
    }
)
REFUSED = st.fixed_dictionaries(
    {
        "grant": st.sampled_from(sorted(GRANTS)) | st.text(),
        "outcome": st.just("refused"),
        "code": st.sampled_from([Unauthenticated.__name__, GrantDenied.__name__]),
    }
)


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Read the samples of one name, by the values of their labels, as Prometheus would."""
    text = prometheus_client.generate_latest(metrics.registry).decode()
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def metrics_of(clock: SetClock | None = None) -> Metrics:
    return Metrics(clock=clock or SetClock(), stopwatch=clock or SetClock())


@given(st.lists(VENDED | REFUSED))
def test_what_is_asked_is_vended_or_refused(records: list[Record]) -> None:
    metrics = metrics_of()
    written: list[Record] = []
    write = metrics.audited(written.append, GRANTS)
    for record in records:
        write(record)
    asks = samples(metrics, "sts_server_asks_total")
    vended = sum(record["outcome"] == "vended" for record in records)
    assert sum(asks.values()) == len(written) == len(records)
    assert sum(n for (_, outcome), n in asks.items() if outcome == "vended") == vended
    assert samples(metrics, "sts_server_lease_life_left_seconds_count") == {(): vended}
    assert {grant for grant, _ in asks} <= GRANTS | {"unknown"}


def test_a_strangers_words_are_no_label() -> None:
    metrics = metrics_of()
    write = metrics.audited(lambda _: None, GRANTS)
    for number in range(1000):
        write({"grant": f'x{number}"}} 1\n', "outcome": "refused", "code": "Unauthenticated"})
    write({"outcome": "refused", "code": "Unauthenticated"})
    assert samples(metrics, "sts_server_asks_total") == {("unknown", "Unauthenticated"): 1001}


def test_life_left_is_what_the_caller_gets(clock: SetClock) -> None:
    metrics = metrics_of(clock)
    write = metrics.audited(lambda _: None, GRANTS)
    for left in (3600, 1800):
        write({"grant": "uploads", "outcome": "vended", "expiry": to_wire(T0 + 3600)})
        clock.now = T0 + left / 2
    assert samples(metrics, "sts_server_lease_life_left_seconds_sum") == {(): 3600 + 1800}


def test_a_decision_that_was_not_written_down_was_none() -> None:
    def full_disk(_: Record) -> None:
        raise OSError(28, "No space left on device")

    metrics = metrics_of()
    with pytest.raises(AuditUnwritten, match=r"^No space left on device$"):
        metrics.audited(full_disk, GRANTS)({"grant": "uploads", "outcome": "vended"})
    assert samples(metrics, "sts_server_asks_total") == {}
    assert samples(metrics, "sts_server_audit_failures_total") == {(): 1}


def test_calls_are_counted_by_how_they_ended_and_measured(clock: SetClock) -> None:
    metrics = metrics_of(clock)
    errors = [None, UpstreamThrottled("slow", hint=""), ValueError(), asyncio.CancelledError()]

    async def call(error: BaseException | None) -> str:
        assert samples(metrics, "sts_server_upstream_calls_under_way") == {(): 0}
        clock.now += 2
        if error is not None:
            raise error
        return "lease"

    async def story() -> list[object]:
        timed = metrics.timed("AssumeRole", call)
        results: list[object] = []
        for error in errors:
            results += await asyncio.gather(timed(error), return_exceptions=True)
        return results

    assert asyncio.run(story())[0] == "lease"
    outcomes = ("answered", "UpstreamThrottled", "failed", "abandoned")
    calls = {("AssumeRole", outcome): 1 for outcome in outcomes}
    counted = samples(metrics, "sts_server_upstream_call_seconds_count")
    # What never happened is there, too, or its first time would be no increase.
    assert counted == {
        ("AssumeRole", "UpstreamRefused"): 0,
        ("AssumeRole", "UpstreamUnavailable"): 0,
        **calls,
    }
    seconds = samples(metrics, "sts_server_upstream_call_seconds_sum")
    assert {key: seconds[key] for key in calls} == dict.fromkeys(calls, 2)
    assert samples(metrics, "sts_server_upstream_calls_under_way") == {(): 0}


def test_logins_are_counted_by_kind() -> None:
    metrics = metrics_of()
    metrics.proven("api_key", None)
    metrics.proven("api_key", None)
    metrics.proven("oidc", Unauthenticated("no"))
    expected = {("api_key", "proven"): 2, ("oidc", "Unauthenticated"): 1}
    assert samples(metrics, "sts_server_logins_total") == expected


def test_what_is_looked_up_is_as_it_is_now() -> None:
    metrics = metrics_of()
    queue = [1, 2, 3]
    metrics.read(queue=lambda: len(queue), ready=lambda: True)
    metrics.read(kept=lambda: 7)
    queue.append(4)
    metrics.cache.hits += 3
    assert samples(metrics, "sts_server_upstream_queue") == {(): 4}
    assert samples(metrics, "sts_server_ready") == {(): 1}
    assert samples(metrics, "sts_server_leases_kept") == {(): 7}
    assert samples(metrics, "sts_server_cache_asks_total")["hit",] == 3


def test_two_in_one_process_share_nothing() -> None:
    one, other = metrics_of(), metrics_of()
    one.proven("api_key", None)
    assert samples(other, "sts_server_logins_total") == {}
    assert b"sts_server" not in prometheus_client.generate_latest()


def test_the_version_is_known_without_an_installed_package() -> None:
    versions = list(samples(metrics_of(), "sts_server_build_info"))
    assert versions == [(platform.python_version(), __version__)]
