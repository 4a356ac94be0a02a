"""Readiness: what STS answered decides; what it did not answer decides nothing."""

import pytest

from sts_server.errors import UpstreamRefused, UpstreamThrottled, UpstreamUnavailable
from sts_server.readiness import Evidence, Standing, Verdict, after_call, answered, pause, verdict

UNKNOWN, GOOD, BAD = Standing.UNKNOWN, Standing.GOOD, Standing.REFUSED
REFUSED = UpstreamRefused("no", hint="NoPermission")
OUTAGES = [UpstreamUnavailable("away", hint=""), UpstreamThrottled("slow", hint=""), OSError()]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(), Verdict(False, "starting", 1)),
        (Evidence(probed=True), Verdict(True, "vending")),
        (Evidence(True, GOOD, GOOD), Verdict(True, "vending")),
        (Evidence(True, GOOD, UNKNOWN), Verdict(True, "vending")),
        (Evidence(True, GOOD, BAD), Verdict(False, "role refused", 10)),
        (Evidence(True, BAD, GOOD), Verdict(False, "key refused", 10)),
        (Evidence(True, BAD, BAD), Verdict(False, "key refused", 10)),
    ],
)
def test_the_verdict_follows_from_the_evidence(evidence: Evidence, expected: Verdict) -> None:
    assert verdict(evidence) == expected


@pytest.mark.parametrize("before", list(Standing))
def test_a_probe_counts_only_if_sts_answered(before: Standing) -> None:
    assert answered(before, None) is GOOD
    assert answered(before, REFUSED) is BAD
    assert [answered(before, outage) for outage in OUTAGES] == [before] * 3


def test_a_callers_lease_proves_all() -> None:
    assert after_call(Evidence(False, BAD, BAD), None) == Evidence(True, GOOD, GOOD)


@pytest.mark.parametrize(("before", "after"), [(GOOD, UNKNOWN), (UNKNOWN, UNKNOWN), (BAD, BAD)])
def test_a_refused_call_raises_a_doubt_and_no_more(before: Standing, after: Standing) -> None:
    evidence = after_call(Evidence(True, GOOD, before), REFUSED)
    assert evidence == Evidence(True, GOOD, after)


@pytest.mark.parametrize("role", list(Standing))
def test_an_outage_is_no_evidence(role: Standing) -> None:
    for outage in OUTAGES:
        assert after_call(Evidence(True, GOOD, role), outage) == Evidence(True, GOOD, role)


@pytest.mark.parametrize(
    ("evidence", "every", "seconds"),
    [
        (Evidence(True, GOOD, GOOD), 60, 60),
        (Evidence(True, UNKNOWN, GOOD), 60, 60),
        (Evidence(True, BAD, GOOD), 60, 10),
        (Evidence(True, GOOD, BAD), 60, 10),
        (Evidence(True, GOOD, UNKNOWN), 60, 10),
        (Evidence(True, GOOD, BAD), 2, 2),
    ],
)
def test_trouble_is_looked_at_more_often(evidence: Evidence, every: float, seconds: float) -> None:
    assert pause(evidence, every) == seconds
