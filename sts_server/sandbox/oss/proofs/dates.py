"""Dates that requests are stamped with, and how far they may be from our own clock."""

import re
from datetime import UTC, datetime, timedelta

from sts_server.sandbox.oss.errors import OssError, access_denied

MAX_SKEW = timedelta(minutes=15)
ISO_BASIC = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
NO_DATE = "0002-00000503"
BAD_DATE = "0002-00000502"


def iso_basic(text: str | None) -> datetime:
    """Read the date of a V4 signature, `20251201T083000Z`.

    Raises:
        OssError: It is missing or of another form.
    """
    well_formed = text is not None and ISO_BASIC.fullmatch(text)
    return _parsed(text, "%Y%m%dT%H%M%SZ" if well_formed else "")


def gmt(text: str | None) -> datetime:
    """Read the date of a V1 signature, `Mon, 01 Dec 2025 08:30:00 GMT`.

    Raises:
        OssError: It is missing or of another form.
    """
    return _parsed(text, "%a, %d %b %Y %H:%M:%S GMT")


def check_skew(date: datetime, now: datetime) -> None:
    """Refuse a request whose date is more than 15 minutes off.

    Args:
        date: What the request is stamped with.
        now: Real time.

    Raises:
        OssError: It is.
    """
    if abs(now - date) > MAX_SKEW:
        raise too_skewed(date, now)


def too_skewed(date: datetime, now: datetime) -> OssError:
    """Say how far apart the clocks are."""
    return OssError(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        "0002-00000504",
        {
            "MaxAllowedSkewMilliseconds": str(MAX_SKEW // timedelta(milliseconds=1)),
            "RequestTime": iso_millis(date),
            "ServerTime": iso_millis(now),
        },
    )


def has_expired(expires: datetime, now: datetime) -> OssError:
    """Refuse a signed URL whose time is over (OSS: "Add signatures to URLs")."""
    return OssError(
        403,
        "AccessDenied",
        "Request has expired.",
        "0002-00000069",
        {"Expires": iso_millis(expires), "ServerTime": iso_millis(now)},
    )


def iso_millis(moment: datetime) -> str:
    """Render a moment as OSS's error documents do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _parsed(text: str | None, form: str) -> datetime:
    if text is None:
        raise access_denied("OSS authentication requires a valid Date.", NO_DATE)
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise access_denied("OSS authentication requires a valid Date.", BAD_DATE) from None
