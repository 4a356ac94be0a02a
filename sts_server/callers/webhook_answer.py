"""A webhook's answer: what of it is believed.

The shape is that of MinIO's identity management plugin (MinIO, "Identity Management Plugin Guide"):
200 with `user`, `maxValiditySeconds` and `claims`, or 403 with a `reason`.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard

SHORTEST: Final = 900
"""Seconds; MinIO takes no less for `maxValiditySeconds`."""
LONGEST: Final = 31_536_000
"""Seconds; MinIO takes no more."""

_LONGEST_TEXT = 256  # characters of a user, of a claim and of a group
_MOST_TEXTS = 64  # in one claim
_LONGEST_REASON = 200  # characters
_GIVES_AWAY = 12  # characters of a token that stand in a reason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The webhook knows the token: whose it is, and for how many seconds."""

    user: str
    seconds: int
    groups: frozenset[str]
    claims: Mapping[str, str | frozenset[str]]


@dataclass(frozen=True, slots=True)
class Refused:
    """The webhook does not take the token, and why, fit to be shown; empty if it does not say."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """There is no answer, or none that can be understood; what is wrong, for the operator."""

    why: str


Verdict = Accepted | Refused | Unusable


def read(
    status: int, body: bytes, *, token: str, claims: Collection[str], groups_claim: str | None
) -> Verdict:
    """Read an answer.

    Args:
        status: its HTTP status.
        body: its whole body.
        token: what was asked about: a reason that repeats it is not shown.
        claims: the names of the claims to take; all others are left out.
        groups_claim: the claim that names the caller's groups.
    """
    if status not in (200, 403):
        return Unusable(f"HTTP status {status}")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        return Unusable(f"status {status} with a body that is not JSON")
    if not isinstance(answer, dict):
        return Unusable(f"status {status} with JSON that is no object")
    if status != 200:  # noqa: PLR2004 - OK
        return Refused(_reason(answer.get("reason"), token))
    user, seconds, said = (answer.get(name) for name in ("user", "maxValiditySeconds", "claims"))
    if not _is_text(user):
        return Unusable(f"user is no text of 1-{_LONGEST_TEXT} printable characters")
    if type(seconds) is not int or not SHORTEST <= seconds <= LONGEST:
        return Unusable(f"maxValiditySeconds is no whole number from {SHORTEST} to {LONGEST}")
    if said is not None and not isinstance(said, dict):
        return Unusable("claims is no object")
    told = {name: taken for name, it in (said or {}).items() if (taken := _claim(it)) is not None}
    groups = told.get(groups_claim, frozenset()) if groups_claim else frozenset()
    return Accepted(
        user=user,
        seconds=seconds,
        groups=frozenset({groups}) if isinstance(groups, str) else groups,
        claims={name: told[name] for name in claims if name in told},
    )


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isprintable()


def _claim(value: object) -> str | frozenset[str] | None:
    """Take a text or a list of texts. Anything else gives nobody a right, so it is left out."""
    if isinstance(value, list) and len(value) <= _MOST_TEXTS and all(map(_is_text, value)):
        return frozenset(value)
    return value if _is_text(value) else None


def _reason(value: object, token: str) -> str:
    """Cut a reason to what can be shown and logged; one that gives the token away is dropped."""
    if not isinstance(value, str):
        return ""
    text = "".join(letter for letter in value if letter.isprintable())[:_LONGEST_REASON].strip()
    length = min(_GIVES_AWAY, len(token))
    pieces = (text[start : start + length] for start in range(len(text) - length + 1))
    return "" if any(piece in token for piece in pieces) else text
