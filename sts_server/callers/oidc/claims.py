"""The claims of a verified token: who is let in, and what of them makes the caller. Pure."""

from collections.abc import Mapping
from typing import Any

from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from sts_server.settings.oidc import OidcTable, claim_path

_LONGEST_ID = 256


def caller_of(claims: Mapping[str, Any], table: OidcTable, expires: float) -> Caller:
    """Read who is calling.

    An id that cannot stand in a prefix is none the worse for it: grants judge that.

    Raises:
        Unauthenticated: the token is not one that is let in here, or names nobody.
    """
    for place, allowed in table.require.items():
        if _texts(claims, place).isdisjoint(allowed):
            raise Unauthenticated(f"the token's {place} is not one that is let in here")
    caller_id = _at(claims, table.id_claim)
    if not isinstance(caller_id, str) or not 0 < len(caller_id) <= _LONGEST_ID:
        raise Unauthenticated(
            f"the token's {table.id_claim} is not a text of 1 to {_LONGEST_ID} characters"
        )
    groups = _texts(claims, table.groups_claim) if table.groups_claim else frozenset[str]()
    found = ((claim_path(place)[-1], _plain(_at(claims, place))) for place in table.claims)
    return Caller(
        caller_id, groups, {name: value for name, value in found if value is not None}, expires
    )


def _texts(claims: Mapping[str, Any], place: str) -> frozenset[str]:
    value = _plain(_at(claims, place))
    return frozenset({value}) if isinstance(value, str) else value or frozenset()


def _at(claims: Any, place: str) -> Any:
    for step in claim_path(place):
        if not isinstance(claims, dict):
            return None
        claims = claims.get(step)
    return claims


def _plain(value: object) -> str | frozenset[str] | None:
    """Take a text or a list of texts: a grant cannot be mistaken about those. Nothing else."""
    if isinstance(value, list) and all(isinstance(it, str) for it in value):
        return frozenset(value)
    return value if isinstance(value, str) else None
