"""`sts-server explain`: allowed or refused, and by which statement, as the sandbox judges."""

import pytest

from tests.sts_server.cli.parts import Run

ALICE = ("explain", "--caller", "alice", "--grant", "uploads")


@pytest.mark.parametrize(
    ("words", "statement"),
    [
        (["put", "users/alice/x"], 1),
        (["get", "users/alice/a/b"], 1),
        (["list", "users/alice/"], 2),
        (["list", "users/alice/a"], 2),
        (["oss:AbortMultipartUpload", "users/alice/x"], 1),
    ],
)
def test_it_says_by_which_statement_something_is_allowed(
    run: Run, words: list[str], statement: int
) -> None:
    done = run(*ALICE, *words)
    assert (done.code, done.err) == (0, "")
    allowed = f"allowed by statement {statement} of the session policy (338 of 2048 characters):\n"
    assert done.out.startswith(allowed)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["put", "users/bob/x"], "allows oss:PutObject on examplebucket/users/bob/x:"),
        (["get", "users/alice"], "allows oss:GetObject"),
        (["delete", "users/alice/x"], "allows oss:DeleteObject"),
        (["list", "users/"], "allows oss:ListObjects on examplebucket with oss:Prefix users/:"),
        (["list", ""], "allows oss:ListObjects"),
        (["list"], "allows oss:ListObjects on examplebucket:"),
        (["oss:ListMultipartUploads", "users/alice/"], "allows oss:ListMultipartUploads"),
        (["oss:PutBucketAcl"], "allows oss:PutBucketAcl on examplebucket:"),
        (["oss:PutObjectTagging", "users/alice/x"], "allows oss:PutObjectTagging"),
        (["get", "users/\x1b[31m"], "users/\\u001b[31m"),
        (["get", "users/alice/x", "--caller", "a/b"], "refused: the caller's id cannot stand"),
        (["get", "staff/x", "--grant", "staff-only"], "staff-only is not given to this caller"),
    ],
)
def test_it_says_what_is_refused_and_leaves_with_5(run: Run, words: list[str], why: str) -> None:
    done = run(*ALICE, *words)
    assert (done.code, done.err) == (5, "")
    assert done.out.startswith("refused: ")
    assert why in done.out


def test_it_takes_groups_and_claims(run: Run) -> None:
    asked = ["explain", "--caller", "bob", "--grant", "team", "get"]
    owner = ["--claim", "team=a", "--claim", "role=x"]
    assert run(*asked, "users/a/x", *owner).code == 0
    assert run(*asked, "users/b/x", *owner).code == 5
    assert run(*asked, "users/a/x", "--group", "staff", "--claim", "team=a").code == 0
    done = run(*asked, "users/a/x", "--group", "staff", *owner, "--claim", "team=b")
    assert (done.code, done.out) == (
        5,
        "refused: the caller's claim team is a list; this grant's prefix needs one text\n",
    )


def test_it_says_to_whom_a_grant_is_given_that_is_not_the_callers(run: Run) -> None:
    done = run("explain", "--caller", "bob", "--grant", "team", "--claim", "team=a", "get", "x")
    assert (done.code, done.err) == (5, "")
    who = "alice or group staff or claim team=a|b and claim role=x"
    assert done.out == f"refused: team is not given to this caller, but to {who}\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--grant", "none", "get", "x"], "there are uploads, staff-only, team"),
        (["fly", "x"], "must be get, put, list"),
        (["oss:*", "x"], "must be get, put, list"),
        (["oss:getobject", "x"], "must be get, put, list"),
        (["get"], "name one"),
        (["get", ""], "name one"),
    ],
)
def test_what_cannot_be_explained_leaves_with_2(run: Run, words: list[str], why: str) -> None:
    done = run(*ALICE, *words)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
