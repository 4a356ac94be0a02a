"""The policy of a form upload: what the signer allows the fields and the file to be. Pure.

Source: OSS, "PostObject", section "Policy".
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sts_server.sandbox.oss.errors import OssError, access_denied

MAX_SIZE = 5 * 1024**3
POLICY_EC = "0006-00000213"
PAIR, TRIPLE = 2, 3


@dataclass(frozen=True)
class Condition:
    """One condition on one field: `eq`, `starts-with`, `in` or `not-in` some texts."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Say whether the fields fulfil it; one that is missing never does."""
        given = fields.get(self.field)
        if given is None:
            return False
        if self.operator == "starts-with":
            return given.startswith(self.values[0])
        return (given in self.values) != (self.operator == "not-in")


@dataclass(frozen=True)
class PostPolicy:
    """A policy that was understood in full.

    Attributes:
        expiration: When it ends, aware.
        conditions: All of them must hold.
        smallest: The least bytes that the file may have.
        largest: The most bytes.
    """

    expiration: datetime
    conditions: tuple[Condition, ...]
    smallest: int
    largest: int

    def check(self, fields: Mapping[str, str], now: datetime) -> None:
        """Check everything but the size of the file.

        Args:
            fields: The fields by lower-case name, with `bucket` and the final `key`.
            now: Real time.

        Raises:
            OssError: The policy has ended, or a condition does not hold.
        """
        if self.expiration <= now:
            raise _not_allowed("Policy expired.")
        for condition in self.conditions:
            if not condition.holds(fields):
                named = f'["{condition.operator}", "${condition.field}", ...]'
                raise _not_allowed(f"Policy Condition failed: {named}")

    def demands(self, field: str) -> bool:
        """Say whether the policy pins a field to one value."""
        return any(c.operator == "eq" and c.field == field for c in self.conditions)


def parse_post_policy(encoded: str) -> PostPolicy:
    """Read a policy.

    Args:
        encoded: The `policy` field: JSON in base64.

    Raises:
        OssError: Any part of it is not understood.
    """
    try:
        document = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("the policy is not JSON in base64") from None
    if not isinstance(document, dict) or set(document) != {"expiration", "conditions"}:
        raise _invalid("a policy has exactly expiration and conditions")
    items = document["conditions"]
    if not isinstance(items, list) or not items:
        raise _invalid("conditions must be an array, and not empty")
    conditions: list[Condition] = []
    smallest, largest = 0, MAX_SIZE
    for item in items:
        if isinstance(item, list) and item[:1] == ["content-length-range"]:
            low, high = _range(item)
            smallest, largest = max(smallest, low), min(largest, high)
        elif isinstance(item, list):
            conditions.append(_condition(item))
        else:
            conditions += _pairs(item)
    return PostPolicy(_expiration(document["expiration"]), tuple(conditions), smallest, largest)


def _range(item: list[Any]) -> tuple[int, int]:
    numbers = item[1:]
    if len(numbers) != PAIR or not all(type(number) is int and number >= 0 for number in numbers):
        raise _invalid("content-length-range wants two whole numbers")
    return numbers[0], numbers[1]


def _condition(item: list[Any]) -> Condition:
    if len(item) != TRIPLE or not isinstance(item[1], str) or not item[1].startswith("$"):
        raise _invalid("a condition is [operator, $field, value]")
    operator, name, value = item
    values = value if operator in ("in", "not-in") else [value]
    if operator not in ("eq", "starts-with", "in", "not-in"):
        raise _invalid("a condition with an unknown operator")
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise _invalid("a condition with a value of another type")
    return Condition(operator, name[1:].lower(), tuple(values))


def _pairs(item: Any) -> list[Condition]:
    if not isinstance(item, dict) or not item:
        raise _invalid("a condition is an object or an array")
    if not all(isinstance(value, str) for value in item.values()):
        raise _invalid("a condition with a value of another type")
    return [Condition("eq", name.lower(), (value,)) for name, value in item.items()]


def _expiration(text: Any) -> datetime:
    reason = "expiration is not of the form 2025-12-01T08:30:00.000Z"
    if not isinstance(text, str) or not text.endswith("Z"):
        raise _invalid(reason)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(reason) from None


def _invalid(reason: str) -> OssError:
    return OssError(400, "InvalidPolicyDocument", f"Invalid Policy: {reason}.", POLICY_EC)


def _not_allowed(reason: str) -> OssError:
    return access_denied(f"Invalid according to Policy: {reason}", POLICY_EC)
