"""`sts-server policy`: what each grant becomes, as a template and for one caller."""

import json

import pytest

from sts_server.policy import session_policy
from sts_server.scope import Scope
from tests.sts_server.cli.parts import Run


def test_it_prints_what_each_grant_becomes(run: Run) -> None:
    done = run("policy")
    assert (done.code, done.err) == (0, "")
    assert "uploads: 3600 s, session name by the caller's id, at most 456 of 2048" in done.out
    assert '"acs:oss:*:*:examplebucket/users/{caller}/*"' in done.out
    assert '"acs:oss:*:*:examplebucket/staff/*"' in done.out
    assert '"acs:oss:*:*:examplebucket/users/{claim.team}/*"' in done.out


def test_for_a_caller_it_is_exactly_what_sts_would_be_asked_with(run: Run) -> None:
    claims = ("--claim", "team=b", "--claim", "role=x", "--claim", "role=y")
    done = run("policy", "--caller", "bob", *claims)
    heads = [line for line in done.out.splitlines() if line[0].islower()]
    assert (done.code, heads) == (
        0,
        [
            "uploads: 3600 s, session name bob-81b637d8fcd2, 334 of 2048 characters:",
            "team: 3600 s, session name bob-81b637d8fcd2, 271 of 2048 characters:",
        ],
    )
    # What is not the caller's is said beside the policies, and not an error.
    assert done.err.startswith("staff-only: refused: no such grant for this caller")
    written = session_policy(Scope("examplebucket", "users/b/", ("get", "list")))
    assert json.loads(done.out.split(heads[1])[1]) == json.loads(written)
    assert len(written) == 271


def test_one_grant_that_is_not_the_callers_leaves_with_5(run: Run) -> None:
    done = run("policy", "--caller", "bob", "--grant", "staff-only")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("staff-only: refused: ")


def test_one_grant_alone_can_be_asked_about(run: Run) -> None:
    done = run("policy", "--grant", "staff-only")
    assert done.out.count("characters") == 1
    assert run("policy", "--grant", "none").err.endswith("there are uploads, staff-only, team")


@pytest.mark.parametrize("words", [("--group", "staff"), ("--claim", "team=a")])
def test_a_group_or_claim_of_nobody_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    done = run("policy", *words)
    assert (done.code, done.out) == (2, "")
    assert "--caller" in done.err


def test_a_claim_without_a_value_is_wrong_usage(run: Run) -> None:
    done = run("policy", "--caller", "a", "--claim", "team")
    assert (done.code, done.out) == (2, "")
    assert "must be NAME=VALUE" in done.err
