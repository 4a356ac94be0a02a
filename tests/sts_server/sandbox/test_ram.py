"""RAM: what is allowed, what is denied, and which documents are not understood."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.errors import PolicyError
from sts_server.sandbox.ram.decision import Access, Resource, allows
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.ram.wildcard import wildcard

ARN = "acs:oss:*:*:"
ACCOUNT = "1234567890123456"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "oss:GetObject", "Resource": f"{ARN}bkt/a/*", **elements}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def decide(
    *statements: dict[str, Any],
    action: str = "oss:GetObject",
    name: str = "bkt/a/x",
    context: dict[str, str] | None = None,
) -> bool:
    resource = Resource("oss", "cn-hangzhou", ACCOUNT, name)
    return allows([parse_policy(document(*statements))], Access(action, resource, context or {}))


@pytest.mark.parametrize(
    ("elements", "action", "name", "expected"),
    [
        ({}, "oss:GetObject", "bkt/a/x", True),
        ({}, "oss:GetObject", "bkt/a/", True),
        ({}, "oss:GetObject", "bkt/a/b/c", True),
        ({}, "oss:GetObject", "bkt/a", False),
        ({}, "oss:GetObject", "bkt/ab/x", False),
        ({}, "oss:GetObject", "bkt2/a/x", False),
        ({}, "oss:GetObject", "bkt/A/x", False),
        ({}, "oss:PutObject", "bkt/a/x", False),
        ({}, "oss:GetObjectAcl", "bkt/a/x", False),
        ({"Action": "oss:Get*"}, "oss:GetObjectAcl", "bkt/a/x", True),
        ({"Action": "oss:?etObject"}, "oss:GetObject", "bkt/a/x", True),
        ({"Action": "oss:getobject"}, "oss:GetObject", "bkt/a/x", False),
        ({"Action": ["oss:PutObject", "*"]}, "oss:GetObject", "bkt/a/x", True),
        ({"Action": "ram:*"}, "oss:GetObject", "bkt/a/x", False),
        ({"Resource": "*"}, "oss:GetObject", "bkt/z", True),
        ({"Resource": f"{ARN}bkt"}, "oss:ListObjects", "bkt", False),
        ({"Resource": f"{ARN}bkt", "Action": "*"}, "oss:ListObjects", "bkt", True),
        ({"Resource": f"{ARN}bkt/*", "Action": "*"}, "oss:ListObjects", "bkt", False),
        ({"Resource": f"{ARN}bkt", "Action": "*"}, "oss:GetObject", "bkt/a", False),
        ({"Resource": f"{ARN}bkt/a/?"}, "oss:GetObject", "bkt/a/x", True),
        ({"Resource": f"{ARN}bkt/a/?"}, "oss:GetObject", "bkt/a/xy", False),
        ({"Resource": "acs:oss:cn-hangzhou:*:*"}, "oss:GetObject", "bkt/a", True),
        ({"Resource": "acs:oss:oss-cn-hangzhou:*:*"}, "oss:GetObject", "bkt/a", True),
        ({"Resource": "acs:oss:cn-beijing:*:*"}, "oss:GetObject", "bkt/a", False),
        ({"Resource": f"acs:oss:*:{ACCOUNT}:*"}, "oss:GetObject", "bkt/a", True),
        ({"Resource": "acs:oss:*:42:*"}, "oss:GetObject", "bkt/a", False),
        ({"Resource": "acs:ram:*:*:*"}, "oss:GetObject", "bkt/a", False),
        ({"Resource": f"{ARN}bkt/a:b/*"}, "oss:GetObject", "bkt/a:b/c", True),
        ({"Resource": f"{ARN}bkt/a[x]/*"}, "oss:GetObject", "bkt/ax/c", False),
    ],
)
def test_what_a_statement_covers(
    elements: dict[str, Any], action: str, name: str, *, expected: bool
) -> None:
    assert decide(statement(**elements), action=action, name=name) is expected


def test_a_denial_wins_wherever_it_stands() -> None:
    deny = statement("Deny", Resource=f"{ARN}bkt/a/secret/*")
    for order in ((statement(), deny), (deny, statement())):
        assert decide(*order)
        assert not decide(*order, name="bkt/a/secret/x")


def test_a_denial_folds_the_case_of_actions() -> None:
    assert not decide(statement(), statement("Deny", Action="oss:getobject"))


def test_nothing_allows_nothing() -> None:
    assert not decide()


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"oss:Prefix": "a"}}, {"oss:Prefix": "a"}, True),
        ({"StringEquals": {"oss:Prefix": "a*"}}, {"oss:Prefix": "ab"}, False),
        ({"StringEquals": {"oss:Prefix": ["a", "b"]}}, {"oss:Prefix": "b"}, True),
        ({"StringEquals": {"oss:Prefix": ""}}, {"oss:Prefix": ""}, True),
        ({"StringEquals": {"oss:Prefix": ""}}, {}, False),
        ({"StringNotEquals": {"oss:Prefix": ["a", "b"]}}, {"oss:Prefix": "b"}, False),
        ({"StringNotEquals": {"oss:Prefix": ["a", "b"]}}, {"oss:Prefix": "c"}, True),
        ({"StringNotEquals": {"oss:Prefix": "a"}}, {}, False),
        ({"StringEqualsIgnoreCase": {"oss:Prefix": "A"}}, {"oss:Prefix": "a"}, True),
        ({"StringNotEqualsIgnoreCase": {"oss:Prefix": "A"}}, {"oss:Prefix": "a"}, False),
        ({"StringLike": {"oss:Prefix": "a/*"}}, {"oss:Prefix": "a/"}, True),
        ({"StringLike": {"oss:Prefix": "a/*"}}, {"oss:Prefix": "a"}, False),
        ({"StringLike": {"oss:Prefix": "a/*"}}, {"oss:Prefix": "A/"}, False),
        ({"StringLike": {"oss:Prefix": "a?c"}}, {"oss:Prefix": "abc"}, True),
        ({"StringNotLike": {"oss:Prefix": "a*"}}, {"oss:Prefix": "b"}, True),
        ({"StringLike": {"oss:BucketTag/team": "*"}}, {}, False),
        ({"NumericEquals": {"oss:Delimiter": 7}}, {"oss:Delimiter": "7.0"}, True),
        ({"NumericLessThan": {"oss:Delimiter": "7"}}, {"oss:Delimiter": "7"}, False),
        ({"NumericNotEquals": {"oss:Delimiter": "7"}}, {"oss:Delimiter": "x"}, False),
        ({"NumericGreaterThanEquals": {"oss:Delimiter": 7}}, {"oss:Delimiter": "7"}, True),
        ({"Bool": {"acs:SecureTransport": True}}, {"acs:SecureTransport": "true"}, True),
        ({"Bool": {"acs:SecureTransport": "true"}}, {"acs:SecureTransport": "false"}, False),
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, {"acs:SourceIp": "10.1.2.3"}, True),
        ({"IpAddress": {"acs:SourceIp": ["::1", "1.1.1.1"]}}, {"acs:SourceIp": "::1"}, True),
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, {"acs:SourceIp": "::1"}, False),
        ({"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, {"acs:SourceIp": "10.1.2.3"}, False),
        ({"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, {"acs:SourceIp": "11.1.2.3"}, True),
        (
            {"DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00+08:00"}},
            {"acs:CurrentTime": "2025-12-31T15:59:59Z"},
            True,
        ),
        (
            {"DateGreaterThan": {"acs:CurrentTime": "2026-01-01T00:00:00Z"}},
            {"acs:CurrentTime": "2026-01-01T00:00:00Z"},
            False,
        ),
        (
            {"StringEquals": {"oss:Prefix": "a", "oss:Delimiter": "/"}},
            {"oss:Prefix": "a"},
            False,
        ),
        (
            {"StringLike": {"oss:Prefix": "a*"}, "IpAddress": {"acs:SourceIp": "::1"}},
            {"oss:Prefix": "ab", "acs:SourceIp": "::2"},
            False,
        ),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, str], *, expected: bool) -> None:
    assert decide(statement(Condition=condition), context=context) is expected


def test_a_doubtful_condition_never_lets_in() -> None:
    """On a key the request lacks, a negated operator holds in a Deny and fails in an Allow."""
    doubt = {"StringNotEquals": {"oss:Prefix": "a"}}
    assert not decide(statement(Condition=doubt))
    assert not decide(statement(), statement("Deny", Condition=doubt))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"Version":"1"}',
        '{"Version":1,"Statement":[]}',
        '{"Version":"2","Statement":[]}',
        '{"Version":"1","Statement":{}}',
        '{"Version":"1","Statement":[],"Id":"x"}',
        '{"Version":"1","Version":"1","Statement":[]}',
        '{"Version":"1","Statement":[NaN]}',
        document(statement(Effect="allow")),
        document(statement(Sid="x")),
        document(statement(Principal="*")),
        document(statement(NotAction="oss:GetObject")),
        document({"Effect": "Allow", "Action": "oss:*"}),
        document({"Effect": "Allow", "NotAction": "oss:*", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "oss:*", "NotResource": "*"}),
        document(statement(Action="GetObject")),
        document(statement(Action=[])),
        document(statement(Action=[1])),
        document(statement(Action="oss:")),
        document(statement(Action="oss:Get Object")),
        document(statement(Resource="bkt/*")),
        document(statement(Resource="acs:oss:*")),
        document(statement(Resource="acs:oss:*:*:")),
        document(statement(Resource="")),
        document(statement(Resource=f"{ARN}bkt/${{acs:AccessId}}/*")),
        document(statement(Condition=[])),
        document(statement(Condition={})),
        document(statement(Condition={"StringEquals": {}})),
        document(statement(Condition={"StringEquals": {"oss:Prefix": []}})),
        document(statement(Condition={"StringEquals": {"oss:Prefix": None}})),
        document(statement(Condition={"StringEquals": {"oss:prefix": "a"}})),
        document(statement(Condition={"StringLikeIfExists": {"oss:Prefix": "a"}})),
        document(statement(Condition={"StringLike": {"oss:Prefix": "${x}"}})),
        document(statement(Condition={"StringLike": {"acs:SourceIp": "10.*"}})),
        document(statement(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/33"}})),
        document(statement(Condition={"NotIpAddress": {"acs:SourceIp": "*"}})),
        document(statement(Condition={"Bool": {"acs:SecureTransport": "yes"}})),
        document(statement(Condition={"DateEquals": {"acs:CurrentTime": "2026-01-01T00:00:00"}})),
        document(statement(Condition={"NumericEquals": {"oss:Delimiter": "many"}})),
        document(statement(Condition={"NumericEquals": {"oss:Delimiter": "Infinity"}})),
    ],
)
def test_a_document_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text)


@pytest.mark.parametrize("principal", ["*", {}, {"Service": ["x"]}, {"RAM": []}])
def test_a_trust_policy_names_ram_principals(principal: Any) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    with pytest.raises(PolicyError):
        parse_trust_policy(document(trust))


def slow_match(pattern: str, text: str) -> bool:
    """The obvious definition, exponential and plainly right."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_match(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and slow_match(pattern[1:], text[1:])


@given(st.text("ab*?\n.", max_size=8), st.text("ab\n.*", max_size=10))
def test_wildcards_match_as_the_obvious_definition(pattern: str, text: str) -> None:
    assert bool(wildcard(pattern).fullmatch(text)) == slow_match(pattern, text)


@pytest.mark.parametrize("pattern", ["*a" * 1000 + "*b", "*?" * 1000 + "b", "*" * 2000 + "b"])
def test_a_hostile_pattern_costs_little(pattern: str) -> None:
    """Backtracking would take longer than the universe has; the test's own timeout is the judge."""
    assert not wildcard(pattern).fullmatch("a" * 1023)


EFFECTS = st.sampled_from(["Allow", "Deny"])
ACTIONS = st.sampled_from(["oss:GetObject", "oss:Get*", "oss:PutObject", "*"])
NAMES = st.sampled_from(["bkt/a/*", "bkt/*", "bkt/a/x", "bkt", "*", "bkt/a/?"])
PREFIXES = st.sampled_from([None, "a", "b"])


@given(
    st.lists(st.tuples(EFFECTS, ACTIONS, NAMES, PREFIXES), max_size=5),
    st.sampled_from(["oss:GetObject", "oss:PutObject"]),
    st.sampled_from(["bkt/a/x", "bkt/b", "bkt", "bkt/a/xy"]),
    PREFIXES,
)
def test_decisions_as_the_obvious_definition(
    rules: list[tuple[str, str, str, str | None]], action: str, name: str, prefix: str | None
) -> None:
    hit = {
        effect
        for effect, actions, names, wanted in rules
        if slow_match(actions, action)
        and slow_match(names, name)
        and (wanted is None or wanted == prefix)
    }
    statements = [
        {
            "Effect": effect,
            "Action": actions,
            "Resource": f"{ARN}{names}",
            **({"Condition": {"StringEquals": {"oss:Prefix": wanted}}} if wanted else {}),
        }
        for effect, actions, names, wanted in rules
    ]
    context = {} if prefix is None else {"oss:Prefix": prefix}
    assert decide(*statements, action=action, name=name, context=context) is (hit == {"Allow"})
