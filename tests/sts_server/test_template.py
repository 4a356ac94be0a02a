"""Templates: what is taken, how it is filled, and that two names never fill one alike."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sts_server.errors import CallerNotAllowed
from sts_server.scope import Caller, caller_hash
from sts_server.template import PLACEHOLDER, fill, longest, template_problem

HOSTILE = [
    "",
    ".",
    "..",
    "a/b",
    "../b",
    "*",
    "a?",
    "${x}",
    "{caller}",
    "{claim.team}",
    "a\0",
    "a\n",
    "x" * 65,
    "аlice",
    "a b",
    "\ud800",
]


@pytest.mark.parametrize(
    "template",
    [
        "a/",
        "users/{caller}/",
        "h/{caller_hash}/{caller}/x.txt",
        "teams/{claim.team}/{caller}/",
        "t-{claim.team}.d/",
        "{claim.https://example.com/team}/",
        "{claim.cognito:groups}",
        "users/{caller}",
    ],
)
def test_a_template_is_taken(template: str) -> None:
    assert template_problem(template) is None


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{name}/", "placeholder that is none"),
        ("a/{caller", "placeholder that is none"),
        ("a}/", "placeholder that is none"),
        ("{{caller}}/", "placeholder that is none"),
        ("{claim.}/", "placeholder that is none"),
        ("{claim}/", "placeholder that is none"),
        ("{Claim.x}/", "placeholder that is none"),
        ("{claim.a b}/", "placeholder that is none"),
        ("{claim.-a}/", "placeholder that is none"),
        ("{claim." + "x" * 129 + "}/", "placeholder that is none"),
        ("{claim.{caller}}/", "placeholder that is none"),
        ("{claim.a\n}/", "placeholder that is none"),
        ("{claim.é}/", "placeholder that is none"),
        ("{caller}{claim.x}/", "two placeholders"),
        ("{claim.a}-{claim.b}/", "two placeholders"),
        ("a/{claim.a/b}{caller}", "two placeholders"),
        ("{caller}{caller}/", "two placeholders"),
        ("{caller_hash}-{caller}/", "two placeholders"),
        ("users/*/", "pattern"),
        ("/{caller}/", "slash"),
        ("{caller}//{claim.x}/", "empty segment"),
        ("{caller}/../{claim.x}/", "segment"),
        ("/".join(["{claim.x}"] * 20), "longer than"),
    ],
)
def test_a_broken_template_is_refused(template: str, why: str) -> None:
    assert why in (template_problem(template) or "")


def test_every_placeholder_can_be_64_characters_long() -> None:
    assert longest("{caller}/{claim.a/b}/x") == "x" * 64 + "/" + "x" * 64 + "/x"


def test_a_template_is_filled_once() -> None:
    caller = Caller("alice", claims={"team": "a", "caller": "b"})
    assert fill("{caller}/{caller_hash}/", caller) == f"alice/{caller_hash('alice')}/"
    assert fill("{claim.team}/{claim.caller}/{caller}", caller) == "a/b/alice"
    assert fill("plain/", Caller("*")) == "plain/"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_claim_is_refused_by_its_name_alone(value: str) -> None:
    with pytest.raises(CallerNotAllowed, match=r"claim team cannot stand") as refusal:
        fill("{claim.team}/", Caller("alice", claims={"team": value}))
    assert not value.strip() or value not in re.sub("claim team|prefix", "", refusal.value.detail)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, "no claim team"),
        ({"Team": "a"}, "no claim team"),
        ({"team": frozenset({"secret-team"})}, "claim team is a list"),
        ({"team": frozenset[str]()}, "claim team is a list"),
    ],
)
def test_a_claim_that_is_no_text_fills_nothing(
    claims: Mapping[str, str | frozenset[str]], why: str
) -> None:
    with pytest.raises(CallerNotAllowed, match=why) as refusal:
        fill("{claim.team}/", Caller("alice", claims=claims))
    assert "secret-team" not in refusal.value.detail


# Two callers, one template. The values come from a small alphabet, so that they are often alike
# at their ends: that is where two of them could be confused.

VALUES = st.text("ab-.", min_size=1, max_size=4)
CALLERS = st.builds(Caller, VALUES, claims=st.fixed_dictionaries({"x": VALUES, "y": VALUES}))
NAMED = st.sampled_from(["{caller}", "{caller_hash}", "{claim.x}", "{claim.y}"])
AROUND = st.sampled_from(["", "", "a", "-", ".b", " "])
SEGMENTS = st.tuples(AROUND, NAMED, AROUND) | st.tuples(AROUND, NAMED, AROUND, st.just("") | NAMED)
TEMPLATES = st.tuples(
    st.lists(SEGMENTS.map("".join), min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "/", "/a", "/a/"]),
).map("".join)


def values(template: str, caller: Caller) -> list[str]:
    """Read what a template asks of a caller, without filling it."""
    said = {"{caller}": caller.id, "{caller_hash}": caller.id, **{
        f"{{claim.{name}}}": str(value) for name, value in caller.claims.items()
    }}  # fmt: skip
    return [said[name] for name in PLACEHOLDER.findall(template)]


@given(template=TEMPLATES, one=CALLERS, other=CALLERS)
@example(
    "{claim.x}{claim.y}/",
    Caller("a", claims={"x": "ab", "y": "b"}),
    Caller("a", claims={"x": "a", "y": "bb"}),
)
def test_two_callers_never_fill_a_template_alike_nor_one_into_the_other(
    template: str, one: Caller, other: Caller
) -> None:
    assume(template_problem(template) is None)
    assume(values(template, one) != values(template, other))
    try:
        here, there = fill(template, one), fill(template, other)
    except CallerNotAllowed:
        return
    assert here != there
    if template.endswith("/"):
        assert not here.startswith(there)
        assert not there.startswith(here)


@given(template=TEMPLATES, caller=CALLERS)
def test_a_template_that_is_taken_gives_a_prefix_that_is_safe(
    template: str, caller: Caller
) -> None:
    assume(template_problem(template) is None)
    try:
        prefix = fill(template, caller)
    except CallerNotAllowed:
        return
    assert template_problem(prefix) is None
    assert prefix.count("/") == template.count("/")
