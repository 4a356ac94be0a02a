"""The doctor's decisions: where it tries, and what a browser has against a preflight."""

import pytest

from sts_client.cli.doctor.browsers import objection
from sts_client.cli.doctor.findings import Outcome
from sts_client.cli.doctor.patient import refused
from sts_client.cli.doctor.places import places
from sts_client.errors import AccessDenied, ConnectFailed, NoSuchKey, OssError

ORIGIN = "https://app.example.com"
GOOD = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Allow-Methods": "GET, PUT",
    "Access-Control-Allow-Headers": "Authorization, x-oss-date",
    "Access-Control-Expose-Headers": "etag, x-oss-request-id",
}


def test_places_of_a_folder() -> None:
    found = places("users/alice/", "1")
    assert found.probe == "users/alice/sts-doctor-1"
    assert found.link == "users/alice/sts-doctor-1-link"
    # The first would be let through by a policy for `users/alice*`.
    assert found.outside == ("users/alice-sts-doctor-1/probe", "sts-doctor-1/probe")
    assert found.listings == ("users/alice", "users/", "")


def test_places_of_one_object_leave_it_alone() -> None:
    found = places("users/a.csv", "1")
    assert (found.probe, found.link) == (None, None)
    assert found.outside[0] == "users/a.csv-sts-doctor-1"


def test_outside_the_whole_bucket_nothing_lies() -> None:
    assert (places("", "1").outside, places("", "1").listings) == ((), ())


@pytest.mark.parametrize("prefix", ["users/alice/", "a/", "users/alice/b", "x"])
def test_no_place_outside_is_inside(prefix: str) -> None:
    found = places(prefix, "1")
    assert not any(key.startswith(prefix) and prefix.endswith("/") for key in found.outside)
    assert prefix not in (*found.outside, *found.listings)


@pytest.mark.parametrize(
    ("came", "outcome"),
    [
        (AccessDenied("x", status=403), Outcome.PASSED),
        (NoSuchKey("x", status=404, code="NoSuchKey"), Outcome.FAILED),
        (OssError("x", status=500), Outcome.FAILED),
        (ConnectFailed("x"), Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_only_a_refusal_is_a_refusal(came: object, outcome: Outcome) -> None:
    assert refused("step", came, "advice").outcome is outcome


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"Access-Control-Allow-Origin": "*"}, ""),
        ({"Access-Control-Allow-Methods": "*"}, ""),
        ({"Access-Control-Expose-Headers": "*"}, ""),
        ({"Access-Control-Allow-Origin": "https://other.example"}, "origin"),
        ({"Access-Control-Allow-Methods": "GET"}, "PUT"),
        ({"Access-Control-Allow-Headers": "authorization"}, "x-oss-date"),
        # To a browser the asterisk does not stand for Authorization.
        ({"Access-Control-Allow-Headers": "*"}, "authorization"),
        ({"Access-Control-Allow-Headers": "*, authorization"}, ""),
        ({"Access-Control-Expose-Headers": "x-oss-request-id"}, "ETag"),
    ],
)
def test_what_a_browser_minds(change: dict[str, str], says: str) -> None:
    headers = ("authorization", "x-oss-date")
    found = objection(200, GOOD | change, ORIGIN, "PUT", headers, ("ETag",))
    assert says in found
    assert bool(found) == bool(says)


def test_a_preflight_that_is_refused() -> None:
    assert "403" in objection(403, GOOD, ORIGIN, "PUT", (), ())
