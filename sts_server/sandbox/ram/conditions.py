"""Condition operators and keys of RAM (RAM: "Condition operators"; OSS: "RAM Policy").

A condition holds for a request or it does not. An operator or key that is not listed here makes
the whole document unusable: skipping it would widen what it was meant to narrow.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any

from sts_server.sandbox.errors import PolicyError
from sts_server.sandbox.ram.wildcard import wildcard

Test = Callable[[str], bool]

# Key -> the kind of value it holds; tag keys carry the name of the tag behind their prefix.
KEYS: Mapping[str, str] = {
    "acs:AccessId": "text",
    "acs:CurrentTime": "date",
    "acs:MFAPresent": "bool",
    "acs:SecureTransport": "bool",
    "acs:SourceIp": "address",
    "acs:SourceVpc": "text",
    "acs:UserAgent": "text",
    "oidc:aud": "text",
    "oidc:iss": "text",
    "oidc:sub": "text",
    "oss:Delimiter": "text",
    "oss:Prefix": "text",
    "oss:x-oss-acl": "text",
    "oss:x-oss-object-acl": "text",
    "sts:ExternalId": "text",
}
TAG_KEYS = ("oss:BucketTag/", "oss:ExistingObjectTag/", "oss:RequestObjectTag/")


def _equals(value: str) -> Test:
    return lambda seen: seen == value


def _equals_ignoring_case(value: str) -> Test:
    folded = value.casefold()
    return lambda seen: seen.casefold() == folded


def _like(value: str) -> Test:
    pattern = wildcard(value)
    return lambda seen: pattern.fullmatch(seen) is not None


def _bool(value: str) -> Test:
    if value not in ("true", "false"):
        raise ValueError(value)
    return _equals(value)


def _within(value: str) -> Test:
    network = ip_network(value, strict=False)
    return lambda seen: ip_address(seen) in network


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


def _date(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _ordered(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Any:
    def parse(value: str) -> Test:
        bound = read(value)
        return lambda seen: compare(read(seen), bound)

    return parse


def _operators() -> dict[str, tuple[str, Callable[[str], Test], bool]]:
    """Build the table: operator name -> kind of key, parser of one policy value, negated."""
    table: dict[str, tuple[str, Callable[[str], Test], bool]] = {
        "StringEquals": ("text", _equals, False),
        "StringNotEquals": ("text", _equals, True),
        "StringEqualsIgnoreCase": ("text", _equals_ignoring_case, False),
        "StringNotEqualsIgnoreCase": ("text", _equals_ignoring_case, True),
        "StringLike": ("text", _like, False),
        "StringNotLike": ("text", _like, True),
        "Bool": ("bool", _bool, False),
        "IpAddress": ("address", _within, False),
        "NotIpAddress": ("address", _within, True),
    }
    readers: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
        ("Numeric", "text", _number),
        ("Date", "date", _date),
    )
    for family, kind, read in readers:
        table |= {
            f"{family}Equals": (kind, _ordered(read, operator.eq), False),
            f"{family}NotEquals": (kind, _ordered(read, operator.eq), True),
            f"{family}LessThan": (kind, _ordered(read, operator.lt), False),
            f"{family}LessThanEquals": (kind, _ordered(read, operator.le), False),
            f"{family}GreaterThan": (kind, _ordered(read, operator.gt), False),
            f"{family}GreaterThanEquals": (kind, _ordered(read, operator.ge), False),
        }
    return table


OPERATORS = _operators()


@dataclass(frozen=True)
class Condition:
    """One operator on one key: values are alternatives, a negated operator wants none of them."""

    key: str
    tests: tuple[Test, ...] = field(repr=False)
    negated: bool

    def holds(self, context: Mapping[str, str], *, deny: bool) -> bool:
        """Say whether a request satisfies the condition.

        A request without the key, or with a value the operator cannot read, never satisfies a
        positive operator. For a negated one RAM documents nothing: it then holds in a Deny only,
        so that the doubt never lets anyone in.

        Args:
            context: Condition keys of the request.
            deny: Whether the statement denies.
        """
        seen = context.get(self.key)
        if seen is None:
            return self.negated and deny
        try:
            return any(test(seen) for test in self.tests) != self.negated
        except (ValueError, InvalidOperation):
            return self.negated and deny


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise PolicyError("a condition without values")
    texts: list[str] = []
    for item in values:
        if isinstance(item, bool):
            texts.append("true" if item else "false")
        elif isinstance(item, str | int | Decimal):
            texts.append(str(item))
        else:
            raise PolicyError("a condition value is neither text, number nor truth value")
    if any("${" in text for text in texts):
        raise PolicyError("policy variables are not understood")
    return texts


def parse_conditions(element: object) -> tuple[Condition, ...]:
    """Read a `Condition` element.

    Args:
        element: The decoded JSON: operator -> key -> value or values.

    Returns:
        The conditions, all of which must hold.

    Raises:
        PolicyError: An operator, a key, a value or their combination is not understood.
    """
    conditions = []
    for name, keys in _members(element):
        if name not in OPERATORS:
            raise PolicyError("an unknown condition operator")
        kind, parse, negated = OPERATORS[name]
        for key, value in _members(keys):
            if KEYS.get(key, "text" if key.startswith(TAG_KEYS) else "") != kind:
                raise PolicyError(f"{name} does not go with this condition key")
            try:
                tests = tuple(parse(text) for text in _texts(value))
            except (ValueError, InvalidOperation):
                raise PolicyError(f"{name} cannot read its value") from None
            conditions.append(Condition(key, tests, negated))
    return tuple(conditions)


def _members(element: object) -> list[tuple[str, object]]:
    if not isinstance(element, dict) or not element:
        raise PolicyError("a condition is not an object of operators and keys")
    return list(element.items())
