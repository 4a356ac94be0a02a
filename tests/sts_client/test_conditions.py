from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_client.conditions import headers
from sts_client.errors import UsageError

WHEN = "Mon, 01 Dec 2025 08:30:00 GMT"


def test_nothing_asked_for() -> None:
    assert headers() == {}


def test_all_together_and_verbatim() -> None:
    found = headers(
        if_match='"5B3C1A2E"',
        if_none_match="5B3C1A2E",
        if_modified_since=WHEN,
        if_unmodified_since=datetime(2025, 12, 1, 8, 30, tzinfo=UTC),
    )
    assert found == {
        "If-Match": '"5B3C1A2E"',
        "If-None-Match": "5B3C1A2E",
        "If-Modified-Since": WHEN,
        "If-Unmodified-Since": WHEN,
    }


def test_other_time_zones_and_fractions() -> None:
    when = datetime(2025, 12, 1, 16, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert headers(if_modified_since=when) == {"If-Modified-Since": WHEN}


@pytest.mark.parametrize(
    "etag", ["", '"a"\r\nX: y', "a\nb", "ä", "a\x7f", ' "a"', '"a" ', " ", 5, b'"a"']
)
def test_etags_that_are_none(etag: str) -> None:
    with pytest.raises(UsageError, match=r"^if_match must be an entity tag"):
        headers(if_match=etag)
    with pytest.raises(UsageError, match=r"^if_none_match must be an entity tag"):
        headers(if_none_match=etag)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "2025-12-01T08:30:00Z",
        "Tue, 01 Dec 2025 08:30:00 GMT",  # a Monday
        "Mon, 01 Dec 2025 08:30:00",
        "Mon, 01 Dec 2025 08:30:00 +0000",
        "Monday, 01-Dec-25 08:30:00 GMT",
        "Mon, 01 Dec 2025 08:30:00 GMT\r\nX: y",
        1764577800,
        datetime(2025, 12, 1, tzinfo=UTC).date(),
    ],
)
def test_dates_that_are_none(date: str) -> None:
    with pytest.raises(UsageError, match=r"^if_modified_since must be an aware datetime or"):
        headers(if_modified_since=date)
    with pytest.raises(UsageError, match=r"^if_unmodified_since must be an aware datetime or"):
        headers(if_unmodified_since=date)


@given(st.text() | st.from_regex(r"\w{3}, \d{1,20} \w{3} \d{1,20} \d+:\d+:\d+ [\w+-]+"))
def test_any_other_text(text: str) -> None:
    with pytest.raises(UsageError):
        headers(if_modified_since=text)


def test_the_ends_of_time() -> None:
    east, west = timezone(timedelta(hours=8)), timezone(timedelta(hours=-8))
    for when in (datetime.min.replace(tzinfo=east), datetime.max.replace(tzinfo=west)):
        with pytest.raises(UsageError, match="years 1 to 9999"):
            headers(if_modified_since=when)


def test_naive_datetimes() -> None:
    with pytest.raises(UsageError, match=r"^if_modified_since has no time zone"):
        headers(if_modified_since=datetime(2025, 12, 1))  # noqa: DTZ001 -- refused for just that
