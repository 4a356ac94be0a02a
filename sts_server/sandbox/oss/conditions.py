"""Conditional reads (OSS: "GetObject", "Conditional downloads"; order: RFC 9110, 13.2.2). Pure.

All conditions that are given must be satisfied ("Conditional downloads"); RFC 9110 would let an
entity tag silence its date. What refuses, 412, is judged before what answers 304. Where OSS
documents nothing the reading that refuses more is taken: entity tags compare by exact case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
HTTP_DATE_FORM = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
ENTITY_TAG = re.compile(r'(W/)?"([^"]*)"|([^",\s]+)')

NAMES = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


class Outcome(Enum):
    """What the conditions of a read lead to."""

    PROCEED = auto()
    NOT_MODIFIED = auto()
    FAILED = auto()


@dataclass(frozen=True)
class Verdict:
    """The outcome, and for a refusal the header that caused it."""

    outcome: Outcome
    header: str = ""


def judge(headers: Mapping[str, str], etag: str, modified: datetime) -> Verdict:
    """Judge all conditions of a GET or HEAD on an existing object.

    Args:
        headers: Request headers with lower-case names.
        etag: The entity tag without quotes.
        modified: Last-Modified in whole seconds, aware.
    """
    match = headers.get("if-match")
    if match is not None and not _has_tag(match, etag, strong=True):
        return Verdict(Outcome.FAILED, "If-Match")
    since = parse_date(headers.get("if-unmodified-since", ""))
    if since is not None and modified > since:
        return Verdict(Outcome.FAILED, "If-Unmodified-Since")
    none_match = headers.get("if-none-match")
    if none_match is not None and _has_tag(none_match, etag, strong=False):
        return Verdict(Outcome.NOT_MODIFIED)
    since = parse_date(headers.get("if-modified-since", ""))
    if since is not None and modified <= since:
        return Verdict(Outcome.NOT_MODIFIED)
    return Verdict(Outcome.PROCEED)


def parse_date(text: str) -> datetime | None:
    """Read an HTTP date, or None for text that is none: OSS then ignores the condition."""
    if not HTTP_DATE_FORM.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, HTTP_DATE).replace(tzinfo=UTC)
    except ValueError:
        return None


def http_date(moment: datetime) -> str:
    """Render a moment as HTTP headers do."""
    return moment.astimezone(UTC).strftime(HTTP_DATE)


def _has_tag(header: str, etag: str, *, strong: bool) -> bool:
    if header.strip() == "*":
        return True
    for weak, quoted, bare in ENTITY_TAG.findall(header):
        if (quoted or bare) == etag and not (weak and strong):
            return True
    return False
