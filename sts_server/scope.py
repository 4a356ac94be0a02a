"""The nouns of a right: caller, grant, wish and scope."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, get_args

Action = Literal["get", "put", "list", "delete"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

SHORTEST: Final = 900
"""Seconds; AssumeRole takes no less (Alibaba Cloud, "AssumeRole")."""
LONGEST: Final = 43_200
"""Seconds; no role allows more (Alibaba Cloud, "CreateRole", MaxSessionDuration)."""

_SESSION_NAME = 32  # characters; newer documents say 64, older ones 32


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, proven.

    Attributes:
        claims: what else the login says of them: one text, or a set of texts.
        expires: when their proof is over, in seconds since the epoch; None if it is not.
    """

    id: str
    groups: frozenset[str] = frozenset()
    claims: Mapping[str, str | frozenset[str]] = field(default_factory=dict, hash=False)
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A configured right.

    Attributes:
        prefix: a template such as `users/{caller}/`; empty means the whole bucket.
        callers: ids that hold the grant; `*` is every authenticated caller.
        groups: groups whose members hold it.
        duration: seconds asked of STS.
        claims: by name the values of which a holder has one; a holder has one of every name.
        end_with_token: whether a lease must end before the caller's own proof does.
    """

    name: str
    prefix: str
    actions: tuple[Action, ...]
    callers: frozenset[str]
    groups: frozenset[str]
    duration: int
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    end_with_token: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request asks for; None means all that the grant gives."""

    grant: str
    prefix: str | None = None
    actions: tuple[Action, ...] | None = None
    duration: int | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """One grant resolved for one caller.

    Attributes:
        prefix: ends in `/` (a folder), or names one exact object; empty means the whole bucket.
        actions: in the order of ACTIONS.
    """

    bucket: str
    prefix: str
    actions: tuple[Action, ...]


def caller_hash(caller_id: str) -> str:
    """Turn any id into 32 safe hexadecimal digits (128 bits of its SHA-256)."""
    return _digest(caller_id)[:32]


@lru_cache(maxsize=4096)  # most callers have called before
def session_name(caller_id: str) -> str:
    """Name the STS session: a readable part of the id, and 12 digits of its hash.

    The digits tell two ids apart whose readable parts are alike. At most 32 of the
    characters that AssumeRole's RoleSessionName takes.
    """
    digits = _digest(caller_id)[:12]
    readable = re.sub(r"[^a-zA-Z0-9.@_-]", "", caller_id)[: _SESSION_NAME - len(digits) - 1]
    return f"{readable}-{digits}" if readable else digits


def _digest(caller_id: str) -> str:
    # An id from a foreign login may hold a lone surrogate: hash it rather than fail on it.
    return hashlib.sha256(caller_id.encode("utf-8", "surrogatepass")).hexdigest()
