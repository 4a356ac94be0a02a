"""Session policies: each one that we can write stands in a golden file, where a change is seen."""

import json
from pathlib import Path

import pytest

from sts_server.policy import session_policy
from sts_server.scope import Scope

GOLDEN = json.loads((Path(__file__).parents[1] / "vectors" / "policies.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN["policies"], ids=lambda case: case["name"])
def test_a_policy_is_exactly_the_golden_one(case: dict[str, object]) -> None:
    scope = case["scope"]
    assert isinstance(scope, dict)
    written = session_policy(Scope(scope["bucket"], scope["prefix"], tuple(scope["actions"])))
    assert written == json.dumps(case["policy"], separators=(",", ":"))


def test_a_policy_is_ascii() -> None:
    assert session_policy(Scope("examplebucket", "中/", ("get",))).isascii()
