"""RAM policy documents: parsed whole and strictly, or refused (RAM: "Policy structure and syntax").

Not understood, and therefore refused: NotAction, NotResource, policy variables, anything unknown.
"""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

from sts_server.sandbox.errors import PolicyError
from sts_server.sandbox.ram.conditions import Condition, parse_conditions
from sts_server.sandbox.ram.wildcard import wildcard

ARN_PARTS = 5
Pattern = re.Pattern[str]


@dataclass(frozen=True)
class Statement:
    """One statement with its patterns compiled; `resources` is empty in a trust policy.

    Attributes:
        deny: Whether the effect is Deny.
        actions: Patterns of action names such as `oss:GetObject`.
        resources: Patterns of the four parts that follow `acs:`.
        principals: ARNs that a trust statement names: accounts, users, roles, OIDC providers.
        conditions: All of them must hold.
    """

    deny: bool
    actions: tuple[Pattern, ...]
    resources: tuple[tuple[Pattern, ...], ...]
    principals: tuple[str, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Policy:
    """A document that was understood in full.

    Attributes:
        statements: What it says.
        source: The text that it was read from.
    """

    statements: tuple[Statement, ...]
    source: str = field(default="", repr=False, compare=False)


def parse_policy(text: str) -> Policy:
    """Parse an identity or session policy.

    Args:
        text: The JSON document.

    Raises:
        PolicyError: Any part of it is not understood.
    """
    return _parse(text, trust=False)


def parse_trust_policy(text: str) -> Policy:
    """Parse the trust policy of a role: Principal in place of Resource.

    Args:
        text: The JSON document.

    Raises:
        PolicyError: Any part of it is not understood.
    """
    return _parse(text, trust=True)


def _parse(text: str, *, trust: bool) -> Policy:
    document = _decode(text)
    if not isinstance(document, dict) or set(document) != {"Version", "Statement"}:
        raise PolicyError("a policy has exactly Version and Statement")
    if document["Version"] != "1":
        raise PolicyError('Version must be "1"')
    statements = document["Statement"]
    if not isinstance(statements, list):
        raise PolicyError("Statement must be an array")
    return Policy(tuple(_statement(item, trust=trust) for item in statements), text)


def _decode(text: str) -> object:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise PolicyError("the policy is not JSON") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise PolicyError("an element appears twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise PolicyError("NaN and Infinity are not JSON")


def _statement(item: object, *, trust: bool) -> Statement:
    if not isinstance(item, dict):
        raise PolicyError("a statement is not an object")
    wanted = {"Effect", "Action", "Principal" if trust else "Resource"}
    if not wanted <= set(item) <= wanted | {"Condition"}:
        raise PolicyError("a statement lacks an element or has an unknown one")
    if item["Effect"] not in ("Allow", "Deny"):
        raise PolicyError("Effect must be Allow or Deny")
    deny = item["Effect"] == "Deny"
    return Statement(
        deny=deny,
        actions=tuple(_action(text, deny=deny) for text in _texts(item["Action"])),
        resources=() if trust else tuple(_resource(text) for text in _texts(item["Resource"])),
        principals=_principals(item["Principal"]) if trust else (),
        conditions=parse_conditions(item["Condition"]) if "Condition" in item else (),
    )


def _texts(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise PolicyError("text, or a list of texts, is missing")
    for text in values:
        if not isinstance(text, str) or not text or "${" in text:
            raise PolicyError("a text is empty, of another type, or holds a policy variable")
    return values


def _action(text: str, *, deny: bool) -> Pattern:
    if not re.fullmatch(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+", text):
        raise PolicyError("an action is not of the form service:Name")
    # Whether RAM folds the case of action names is undocumented: only a Deny gets the wider net.
    return wildcard(text, ignore_case=deny)


def _resource(text: str) -> tuple[Pattern, ...]:
    if text == "*":
        return (wildcard("*"),) * (ARN_PARTS - 1)
    parts = text.split(":", ARN_PARTS - 1)
    if len(parts) != ARN_PARTS or parts[0] != "acs" or not all((parts[1], parts[4])):
        raise PolicyError("a resource is not of the form acs:service:region:account:name")
    return tuple(wildcard(part) for part in parts[1:])


def _principals(value: object) -> tuple[str, ...]:
    if not isinstance(value, dict) or not value or not set(value) <= {"RAM", "Federated"}:
        raise PolicyError("a principal other than RAM and Federated is not understood")
    return tuple(name for names in value.values() for name in _texts(names))
