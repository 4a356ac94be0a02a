"""The example alerts speak of metrics, labels and words that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sts_server import errors
from sts_server.metrics import Metrics

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
RULES = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def known_names() -> set[str]:
    text = generate_latest(Metrics().registry).decode()
    return {
        family.name + suffix
        for family in text_string_to_metric_families(text)
        for suffix in SUFFIXES[family.type]
    }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_can_ring(rule: dict[str, Any]) -> None:
    expression = rule["expr"]
    names = set(re.findall(r"\bsts_server_\w+", expression))
    assert names or expression.startswith('up{job="sts-server"}')
    assert names <= known_names()
    for words in re.findall(r'outcome=~?"([\w|]+)"', expression):
        assert all(issubclass(getattr(errors, word), errors.Refusal) for word in words.split("|"))
    assert expression.count("(") == expression.count(")")
    assert rule["annotations"]["summary"]
