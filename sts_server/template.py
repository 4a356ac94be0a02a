"""A template: a prefix with places for what a caller proved. Filled once; two names, two places."""

import re
from typing import Final

from sts_server.errors import CallerNotAllowed
from sts_server.prefix import is_safe_value, prefix_problem
from sts_server.scope import Caller, caller_hash

CLAIM_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}"
"""What a claim may be called here, `https://example.com/team` among others."""

PLACEHOLDER: Final = re.compile(rf"\{{(?:caller|caller_hash|claim\.{CLAIM_NAME})\}}")
"""The placeholders of a template."""

_CLAIM = "{claim."
_LONGEST_VALUE = "x" * 64


def template_problem(template: str) -> str | None:
    """Tell what makes a grant's prefix template unusable, or None.

    A value holds no `/`, so a filled template is told apart segment by segment. With one
    placeholder in a segment what stands around it is known, so the rest is the value: two values
    never fill it alike. With two it is not known where the first ends: `a-b` and `c` would share
    the folder of `a` and `b-c`. There are such templates that cannot be confused (a hash has
    always 32 digits); nobody needs them, so no segment holds two.
    """
    filled = longest(template)
    if "{" in filled or "}" in filled:
        return "holds a placeholder that is none of {caller}, {caller_hash} and {claim.name}"
    if not all("/" in between for between in PLACEHOLDER.split(template)[1:-1]):
        return "holds two placeholders with no '/' between them, so two callers could share a place"
    return prefix_problem(filled)


def longest(template: str) -> str:
    """Fill a template with the longest values there can be."""
    return PLACEHOLDER.sub(_LONGEST_VALUE, template)


def fill(template: str, caller: Caller) -> str:
    """Put the caller's values into a template, once: a value is never read as a template.

    Raises:
        CallerNotAllowed: a value is missing, or could be read as more than a name. It is not
            repeated in the message, which names the claim.
    """

    def value(placeholder: re.Match[str]) -> str:
        if placeholder[0] == "{caller_hash}":
            return caller_hash(caller.id)
        if placeholder[0].startswith(_CLAIM):
            return _claim(placeholder[0].removeprefix(_CLAIM).removesuffix("}"), caller)
        if not is_safe_value(caller.id):
            raise CallerNotAllowed(
                "the caller's id cannot stand in a prefix; the operator can use {caller_hash} there"
            )
        return caller.id

    return PLACEHOLDER.sub(value, template)


def _claim(name: str, caller: Caller) -> str:
    held = caller.claims.get(name)
    if held is None:
        raise CallerNotAllowed(f"the caller has no claim {name}, which this grant's prefix needs")
    # Whoever is in two teams would have to choose, and nobody here may choose for them.
    if not isinstance(held, str):
        raise CallerNotAllowed(
            f"the caller's claim {name} is a list; this grant's prefix needs one text"
        )
    if not is_safe_value(held):
        raise CallerNotAllowed(f"the caller's claim {name} cannot stand in a prefix")
    return held
