"""The four conditions of a read as request headers: pure, checked before anything is sent.

OSS answers 304 when the second or the third does not hold and 412 for the others ("GetObject" in
the OSS documentation). It treats a date that it cannot parse as no condition at all, so such a
date is refused here.
"""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from sts_client.errors import UsageError

ETag = str
"""An entity tag, verbatim as OSS sent it, quotes included."""
HttpDate = datetime | str
"""An aware `datetime`, or an HTTP date such as ``Mon, 01 Dec 2025 08:30:00 GMT``."""


def headers(
    *,
    if_match: ETag | None = None,
    if_none_match: ETag | None = None,
    if_modified_since: HttpDate | None = None,
    if_unmodified_since: HttpDate | None = None,
) -> dict[str, str]:
    """Return the headers for those conditions that were given; all of them have to hold.

    Raises:
        UsageError: an entity tag is empty or no header text, a date is naive or no HTTP date.
    """
    found: dict[str, str] = {}
    if if_match is not None:
        found["If-Match"] = _etag("if_match", if_match)
    if if_none_match is not None:
        found["If-None-Match"] = _etag("if_none_match", if_none_match)
    if if_modified_since is not None:
        found["If-Modified-Since"] = _date("if_modified_since", if_modified_since)
    if if_unmodified_since is not None:
        found["If-Unmodified-Since"] = _date("if_unmodified_since", if_unmodified_since)
    return found


def _etag(name: str, value: object) -> str:
    # Printable ASCII only: a line break would start a header of the caller's own making.
    text = isinstance(value, str) and value.isascii() and value.isprintable()
    if not isinstance(value, str) or not text or not value or value != value.strip():
        raise UsageError(f"{name} must be an entity tag as OSS sent it, such as Object.etag")
    return value


def _date(name: str, value: object) -> str:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise UsageError(f"{name} has no time zone: use datetime(..., tzinfo=UTC)")
        try:
            return format_datetime(value.astimezone(UTC), usegmt=True)
        except OverflowError:
            raise UsageError(f"{name} lies outside the years 1 to 9999 in UTC") from None
    if isinstance(value, str):
        # Written back it must be the same text: RFC 9110, section 5.6.7, lets senders
        # use this one form only, and OSS documents no other.
        try:
            if format_datetime(parsedate_to_datetime(value), usegmt=True) == value:
                return value
        except (OverflowError, ValueError):
            pass
    raise UsageError(
        f"{name} must be an aware datetime or an HTTP date like 'Mon, 01 Dec 2025 08:30:00 GMT'"
    )
