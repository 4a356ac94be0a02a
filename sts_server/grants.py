"""Decides which scope a caller gets: reads a wish, finds its grant, fills the template, narrows."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from sts_server.errors import GrantDenied, InvalidArgument
from sts_server.prefix import is_folder, prefix_problem
from sts_server.scope import (
    ACTIONS,
    LONGEST,
    SHORTEST,
    Action,
    Caller,
    Grant,
    Scope,
    Wish,
)
from sts_server.template import fill
from sts_server.term import Term, term

_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUERY_NAMES = ("prefix", "actions", "duration", "refused")


def read_wish(grant: str, query: bytes) -> Wish:
    """Read a request's raw query string as a wish.

    Raises:
        InvalidArgument: a name is unknown or repeated, or a value is not well formed. Values are
            not repeated in the message: they come from anybody.
    """
    if not query:
        return Wish(grant)
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16
        )
    except ValueError:
        raise InvalidArgument(
            "the query is not percent-encoded UTF-8, or is far too long"
        ) from None
    asked: dict[str, str] = {}
    for name, value in pairs:
        if name not in _QUERY_NAMES:
            raise InvalidArgument(f"unknown query parameter; known are {', '.join(_QUERY_NAMES)}")
        if name in asked:
            raise InvalidArgument(f"query parameter {name} is given twice")
        asked[name] = value
    return Wish(
        grant=grant,
        prefix=_read_prefix(asked.get("prefix")),
        actions=_read_actions(asked.get("actions")),
        duration=_read_duration(asked.get("duration")),
        refused=_read_refused(asked.get("refused")),
    )


def resolve(
    grants: Mapping[str, Grant], bucket: str, caller: Caller, wish: Wish, now: float
) -> tuple[Scope, Term]:
    """Resolve a wish to what the caller may have: a scope, and how long.

    Args:
        grants: by name.
        bucket: the one that all grants speak of.
        caller: who asks, proven.
        wish: what they ask for.
        now: seconds since the epoch.

    Raises:
        GrantDenied: the grant is not the caller's, does not exist, or is narrower than the wish.
        CallerNotAllowed: what the caller proved cannot safely stand in the grant's prefix, or
            their proof ends too soon.
    """
    grant = grants.get(wish.grant)
    if grant is None or not holds(grant, caller):
        raise GrantDenied("no such grant for this caller; ask the operator which grants are yours")
    whole = fill(grant.prefix, caller)
    prefix = whole if wish.prefix is None else _narrow_prefix(whole, wish.prefix)
    actions = _narrow_actions(grant.actions, wish.actions, lists=is_folder(prefix))
    return Scope(bucket=bucket, prefix=prefix, actions=actions), term(grant, caller, wish, now)


def holds(grant: Grant, caller: Caller) -> bool:
    """Whether a grant is given to a caller: by id, or by group, or by their claims.

    Any of the three is enough. Of claims all that the grant names must hold: a text is one of the
    grant's values, a list holds one of them. Nothing is folded, trimmed or matched as a pattern.
    """
    return (
        not grant.callers.isdisjoint({"*", caller.id})
        or not grant.groups.isdisjoint(caller.groups)
        or (bool(grant.claims) and all(_says(caller, *claim) for claim in grant.claims.items()))
    )


def _says(caller: Caller, name: str, values: frozenset[str]) -> bool:
    held = caller.claims.get(name, frozenset())
    return not values.isdisjoint({held} if isinstance(held, str) else held)


def _narrow_prefix(whole: str, wished: str) -> str:
    inside = wished.startswith(whole) if is_folder(whole) else wished == whole
    if not inside:
        raise GrantDenied("the wished prefix is outside this grant")
    return wished


def _narrow_actions(
    granted: tuple[Action, ...], wished: tuple[Action, ...] | None, *, lists: bool
) -> tuple[Action, ...]:
    if wished is not None and not set(wished) <= set(granted):
        raise GrantDenied(
            f"a wished action is outside this grant, which gives {', '.join(granted)}"
        )
    # Listing is by prefix: for one exact object it would show its neighbours `name…` as well.
    if wished is not None and "list" in wished and not lists:
        raise GrantDenied("one exact object cannot be listed; wish for a folder that ends in '/'")
    actions = tuple(a for a in (granted if wished is None else wished) if a != "list" or lists)
    if not actions:
        raise GrantDenied("nothing is left of this grant for one exact object")
    return actions


def _read_prefix(text: str | None) -> str | None:
    if text == "":
        raise InvalidArgument("prefix is empty; leave it out to ask for the whole grant")
    if text is not None and (problem := prefix_problem(text)):
        raise InvalidArgument(f"prefix {problem}")
    return text


def _read_actions(text: str | None) -> tuple[Action, ...] | None:
    if text is None:
        return None
    asked = text.split(",")
    if not set(asked) <= set(ACTIONS) or len(set(asked)) < len(asked):
        raise InvalidArgument(f"actions is a comma list, without repeats, of {', '.join(ACTIONS)}")
    return tuple(action for action in ACTIONS if action in asked)


def _read_duration(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text) or not SHORTEST <= int(text) <= LONGEST:
        raise InvalidArgument(f"duration is whole seconds from {SHORTEST} to {LONGEST}")
    return int(text)


def _read_refused(text: str | None) -> str | None:
    if text is not None and not _ACCESS_KEY_ID.fullmatch(text):
        raise InvalidArgument("refused is the AccessKeyId of a lease that OSS rejected")
    return text
