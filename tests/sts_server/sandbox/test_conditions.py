"""Every rule of conditional reads, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from sts_server.sandbox.oss.conditions import Outcome, http_date, judge, parse_date

ETAG = "5D41402ABC4B2A76B9719D911017C592"
MODIFIED = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
SAME = http_date(MODIFIED)
EARLIER = http_date(MODIFIED - timedelta(seconds=1))
LATER = http_date(MODIFIED + timedelta(seconds=1))
FUTURE = http_date(MODIFIED + timedelta(days=9999))
PROCEED, NOT_MODIFIED, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.FAILED


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, PROCEED),
        ({"if-match": f'"{ETAG}"'}, PROCEED),
        ({"if-match": ETAG}, PROCEED),
        ({"if-match": "*"}, PROCEED),
        ({"if-match": f'"other", "{ETAG}"'}, PROCEED),
        ({"if-match": '"a,b"'}, FAILED),
        ({"if-match": f'W/"{ETAG}"'}, FAILED),
        ({"if-match": ETAG.lower()}, FAILED),
        ({"if-match": ""}, FAILED),
        ({"if-none-match": f'"{ETAG}"'}, NOT_MODIFIED),
        ({"if-none-match": ETAG}, NOT_MODIFIED),
        ({"if-none-match": f'W/"{ETAG}"'}, NOT_MODIFIED),
        ({"if-none-match": "*"}, NOT_MODIFIED),
        ({"if-none-match": '"other"'}, PROCEED),
        ({"if-none-match": ETAG.lower()}, PROCEED),
        ({"if-modified-since": EARLIER}, PROCEED),
        ({"if-modified-since": SAME}, NOT_MODIFIED),
        ({"if-modified-since": LATER}, NOT_MODIFIED),
        ({"if-modified-since": FUTURE}, NOT_MODIFIED),
        ({"if-modified-since": "gestern"}, PROCEED),
        ({"if-modified-since": "Mon, 99 Dec 2025 08:30:00 GMT"}, PROCEED),
        ({"if-unmodified-since": EARLIER}, FAILED),
        ({"if-unmodified-since": SAME}, PROCEED),
        ({"if-unmodified-since": LATER}, PROCEED),
        ({"if-unmodified-since": "gestern"}, PROCEED),
        ({"if-match": ETAG, "if-none-match": ETAG}, NOT_MODIFIED),
        ({"if-match": "x", "if-none-match": ETAG}, FAILED),
        ({"if-match": ETAG, "if-unmodified-since": EARLIER}, FAILED),
        ({"if-unmodified-since": EARLIER, "if-modified-since": LATER}, FAILED),
        ({"if-unmodified-since": LATER, "if-modified-since": EARLIER}, PROCEED),
        ({"if-match": ETAG, "if-unmodified-since": LATER}, PROCEED),
        ({"if-match": "x", "if-unmodified-since": LATER}, FAILED),
        ({"if-unmodified-since": EARLIER, "if-none-match": ETAG}, FAILED),
        ({"if-none-match": "x", "if-modified-since": LATER}, NOT_MODIFIED),
        ({"if-none-match": ETAG, "if-modified-since": EARLIER}, NOT_MODIFIED),
    ],
)
def test_judge(headers: dict[str, str], outcome: Outcome) -> None:
    assert judge(headers, ETAG, MODIFIED).outcome is outcome


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"if-match": "x"}, "If-Match"),
        ({"if-unmodified-since": EARLIER}, "If-Unmodified-Since"),
    ],
)
def test_a_refusal_names_its_header(headers: dict[str, str], name: str) -> None:
    assert judge(headers, ETAG, MODIFIED).header == name


def test_dates_survive_a_round_trip() -> None:
    assert parse_date(http_date(MODIFIED)) == MODIFIED
