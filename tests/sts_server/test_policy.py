"""Session policies: each one that we can write stands in a golden file, where a change is seen."""

import json
from pathlib import Path
from typing import Any

import pytest

from sts_server.policy import session_policy
from sts_server.scope import Caller, Scope
from sts_server.template import fill, template_problem

GOLDEN = json.loads((Path(__file__).parents[1] / "vectors" / "policies.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN["policies"], ids=lambda case: case["name"])
def test_a_policy_is_exactly_the_golden_one(case: dict[str, object]) -> None:
    scope = case["scope"]
    assert isinstance(scope, dict)
    written = session_policy(Scope(scope["bucket"], scope["prefix"], tuple(scope["actions"])))
    assert written == json.dumps(case["policy"], separators=(",", ":"))


@pytest.mark.parametrize(
    "case",
    [case for case in GOLDEN["policies"] if "template" in case],
    ids=lambda case: case["name"],
)
def test_a_template_becomes_exactly_the_golden_scope(case: dict[str, Any]) -> None:
    caller = Caller(case["caller"]["id"], claims=case["caller"]["claims"])
    assert template_problem(case["template"]) is None
    assert fill(case["template"], caller) == case["scope"]["prefix"]


def test_a_policy_is_ascii() -> None:
    assert session_policy(Scope("examplebucket", "中/", ("get",))).isascii()
