"""Overlaps: grants whose prefixes meet when somebody is called like something that they are not."""

import re
from collections.abc import Iterable
from itertools import combinations

from sts_server.prefix import is_folder, is_safe_value
from sts_server.scope import Grant
from sts_server.template import PLACEHOLDER

_SLASH = re.compile(r"/(?![^{]*\})")  # a claim's name may hold one of its own
_HASH = re.compile(r"[0-9a-f]{32}")


def overlaps(grants: Iterable[Grant]) -> list[str]:
    """Name each two grants whose places can be one, or one in the other, by a name alone.

    `users/{caller}/` and `users/{claim.team}/` are: whoever is called like a team has its folder.
    So are `users/{caller}/` and `users/shared/`. Not `users/{caller}/` and `users/` or
    `users/{caller}/public/`: these were laid into each other on purpose. No name need be longer
    than 64 characters for it; that some could not be is not looked at.
    """
    return [
        f"{one.name} and {other.name}: {one.prefix} and {other.prefix} are one place for a caller "
        "with a fitting name; put one of them under another folder"
        for one, other in combinations(grants, 2)
        if _meet(one.prefix, other.prefix)
    ]


def _meet(one: str, other: str) -> bool:
    above, below = sorted((one, other), key=lambda it: len(_segments(it)))
    upper, lower = _segments(above), _segments(below)
    # An object is in no object, nor is it the folder of its name.
    if is_folder(above) != (len(upper) < len(lower) or is_folder(below)):
        return False
    named = [(a, b) for a, b in zip(upper, lower, strict=False) if a != b]
    return bool(named) and all(_alike(a, b) for a, b in named)


def _segments(template: str) -> list[str]:
    return _SLASH.split(template.removesuffix("/"))


def _alike(one: str, other: str) -> bool:
    """Whether two different segments, at most one placeholder in each, can be filled alike."""
    named, plain = sorted((one, other), key=lambda it: PLACEHOLDER.search(it) is None)
    if not PLACEHOLDER.search(named):
        return False
    before, after = PLACEHOLDER.split(named)
    if not PLACEHOLDER.search(plain):
        middle = plain.removeprefix(before).removesuffix(after)
        hashed = "{caller_hash}" in named
        return plain == before + middle + after and (
            _HASH.fullmatch(middle) is not None if hashed else is_safe_value(middle)
        )
    # The longer beginning and the longer end would have to be part of the other one's value.
    begins, ends = zip((before, after), PLACEHOLDER.split(plain), strict=True)
    return _continues(*begins) and _continues(*(end[::-1] for end in ends))


def _continues(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    rest = long.removeprefix(short)
    return long == short + rest and (not rest or is_safe_value(f"x{rest}"))
