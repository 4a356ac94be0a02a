"""Fault rules: what they match, which are refused, which one acts."""

from typing import Any

import pytest

from sts_server.sandbox.errors import FaultError
from sts_server.sandbox.faults.book import MAX_RULES, Book
from sts_server.sandbox.faults.rule import Rule, Target
from sts_server.sandbox.faults.target import oss_target
from sts_server.sandbox.oss.addressing import Names

PUT = Target("oss", "PutObject", "users/alice/a.txt")


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"service": "oss"}, True),
        ({"service": "sts"}, False),
        ({"operation": "PutObject"}, True),
        ({"operation": "putobject"}, False),
        ({"key": "users/*"}, True),
        ({"key": "*/a.???"}, True),
        ({"key": "users/alice"}, False),
        ({"key": "users/alice/[a].txt"}, False),
        ({"service": "oss", "operation": "PutObject", "key": "users/bob/*"}, False),
    ],
)
def test_what_a_rule_is_about(match: dict[str, Any], fits: bool) -> None:
    assert Rule(**match, latency=1).fits(PUT) is fits


def test_the_key_of_a_form_is_not_known() -> None:
    """It is in the body, and a rule may cut before that is read: only its operation tells."""
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/bkt",
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:1"),
            (b"content-type", b"multipart/form-data; boundary=x"),
        ],
        "client": None,
    }
    target = oss_target(scope, Names())
    assert target == Target("oss", "PostObject", "")
    assert Rule(operation="PostObject", latency=1).fits(target)
    assert Rule(key="*", latency=1).fits(target)
    assert not Rule(key="users/*", latency=1).fits(target)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({}, "needs an effect"),
        ({"key": "a"}, "needs an effect"),
        ({"colour": "red"}, "unknown member 'colour'"),
        ({"latency": -1}, "latency is a number from 0 to 60"),
        ({"latency": 61}, "latency is a number"),
        ({"latency": float("nan")}, "latency is a number"),
        ({"latency": "1"}, "latency is a number"),
        ({"latency": True}, "latency is a number"),
        ({"latency": 1, "nth": 0}, "nth is a whole number from 1"),
        ({"latency": 1, "nth": 1.0}, "nth is a whole number"),
        ({"latency": 1, "service": "ram"}, "service is one of oss, sts"),
        ({"latency": 1, "service": ["oss"]}, "service is one of oss, sts"),
        ({"latency": 1, "operation": "Put Object"}, "'Put Object' is not a usable operation"),
        ({"latency": 1, "operation": 1}, "operation is text"),
        ({"latency": 1, "key": ""}, "key is text of 1 to"),
        ({"latency": 1, "key": "x" * 2000}, "key is text of 1 to"),
        ({"status": 503}, "status and code go together"),
        ({"code": "Throttling.User"}, "status and code go together"),
        ({"status": 200, "code": "OK"}, "status is a whole number from 400 to 599"),
        ({"status": 503, "code": "a b"}, "'a b' is not a usable code"),
        ({"cut": "after", "message": "m"}, "message goes with status and code"),
        ({"cut": "later"}, "cut is one of before, inside, after"),
        ({"truncate": -1}, "truncate is a whole number"),
        ({"corrupt": True}, "corrupt is one of request, answer"),
        ({"wrong_crc": False}, "wrong_crc is true or left out"),
        ({"wrong_crc": 1}, "wrong_crc is true or left out"),
        ({"skew": 1e400}, "skew is a number"),
        ({"cut": "after", "truncate": 1}, "one effect beside latency, not cut and truncate"),
    ],
)
def test_a_bad_rule_is_refused(members: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FaultError, match=complaint):
        Rule.read(members)


def test_the_oldest_rule_that_strikes_acts_and_all_count() -> None:
    book = Book()
    assert not book
    first = book.add(Rule(nth=2, status=503, code="A"))
    second = book.add(Rule(status=503, code="B"))
    assert book
    struck = [book.strike(PUT) for _ in range(3)]
    assert [rule and rule.code for rule in struck] == ["B", "A", "B"]
    assert book.as_json() == [
        {"id": first, "nth": 2, "status": 503, "code": "A", "fitted": 3, "struck": 1},
        {"id": second, "status": 503, "code": "B", "fitted": 3, "struck": 2},
    ]
    assert book.remove(first)
    assert not book.remove(first)
    book.clear()
    assert book.strike(PUT) is None


def test_rules_are_bounded() -> None:
    book = Book()
    for _ in range(MAX_RULES):
        book.add(Rule(latency=1))
    with pytest.raises(FaultError, match="100 faults already"):
        book.add(Rule(latency=1))
