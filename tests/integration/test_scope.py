"""The security boundary: whatever a caller is called or wishes, the policy stays in their folder.

What the server writes is judged by the sandbox's evaluator, which shares no line with it.
"""

from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sts_server.errors import Refusal
from sts_server.grants import read_wish, resolve
from sts_server.sandbox.ram.decision import Access, Resource, allows
from sts_server.sandbox.ram.document import parse_policy
from sts_server.scope import ACTIONS, Caller, Grant, caller_hash
from sts_server.vending import Role, role_request

BUCKET = "examplebucket"
OBJECT_ACTIONS = ("oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:AbortMultipartUpload")
ATTACKS = (
    "*", "?", "a*", "alice?", "a/../b", "../bob", "..", ".", "%2e%2e", "%2e%2e/", "a\0b", "\0", "x" * 300, "аlice",
    "alice／", "alice∕bob", "＊", "${oss:Prefix}", "{caller}", "alice\n", "alice\r\n", "", "/", "//", "a//b", "\\..\\",
    "alice\u200b", "\ud800", "bob", "alice-evil", '"],"Action":["oss:*"],"x":["',
)  # fmt: skip


def policy_of(caller: str, template: str, prefix: str | None) -> str | None:
    """Write the session policy of an ask, or None if it is refused."""
    grant = Grant("g", template, ACTIONS, frozenset({"*"}), frozenset(), 3600)
    query = {} if prefix is None else {"prefix": prefix}
    try:
        wish = read_wish("g", urlencode(query, errors="surrogatepass").encode())
        scope, term = resolve({"g": grant}, BUCKET, Caller(caller), wish, 0)
        return role_request(Role("acs:ram::1:role/r"), scope, Caller(caller), term.duration).policy
    except Refusal:
        return None


def reaches(policy: str, key: str, bucket: str = BUCKET) -> bool:
    """Say whether any action on an object is allowed."""
    resource = Resource("oss", "cn-hangzhou", "1", f"{bucket}/{key}")
    parsed = [parse_policy(policy)]
    return any(allows(parsed, Access(action, resource)) for action in OBJECT_ACTIONS)


def lists(policy: str, prefix: str | None) -> bool:
    """Say whether a listing of a prefix is allowed."""
    context = {} if prefix is None else {"oss:Prefix": prefix}
    resource = Resource("oss", "cn-hangzhou", "1", BUCKET)
    return allows([parse_policy(policy)], Access("oss:ListObjects", resource, context))


def assert_stays_in(folder: str, policy: str, key: str) -> None:
    if not key.startswith(folder):
        assert not reaches(policy, key)
        assert not lists(policy, key)
    assert not reaches(policy, folder + key, bucket=f"{BUCKET}-other")
    assert not lists(policy, None)


def test_the_judge_says_yes_where_it_should() -> None:
    policy = policy_of("alice", "users/{caller}/", None)
    assert policy is not None
    assert reaches(policy, "users/alice/a.txt")
    assert lists(policy, "users/alice/")


@pytest.mark.parametrize("template", ["users/{caller}/", "{caller}/", "users/{caller_hash}/"])
@pytest.mark.parametrize("caller", ATTACKS)
def test_a_hostile_name_never_widens_a_policy(caller: str, template: str) -> None:
    policy = policy_of(caller, template, None)
    if policy is None:
        return
    folder = template.replace("{caller_hash}", caller_hash(caller)).replace("{caller}", caller)
    for key in (
        "users/alice/x",
        "alice/x",
        "users/x",
        "x",
        "users/victim/x",
        folder.rstrip("/"),
        folder[:-1] + "y/x",
    ):
        assert_stays_in(folder, policy, key)


@pytest.mark.parametrize("wish", [*ATTACKS, *(f"users/alice/{attack}" for attack in ATTACKS)])
def test_a_hostile_wish_never_widens_a_policy(wish: str) -> None:
    policy = policy_of("alice", "users/{caller}/", wish)
    if policy is not None:
        for key in ("users/bob/x", "users/alice-evil/x", "users/alice", "x", "users/", ""):
            assert_stays_in("users/alice/", policy, key)


NAMES = st.text(alphabet="ab*?/.${}-%\0", max_size=6) | st.text(max_size=80)


@given(caller=NAMES, wish=st.none() | NAMES, below=st.booleans(), key=NAMES, sibling=st.booleans())
@example(caller="a", wish=None, below=False, key="ab/x", sibling=False)
def test_no_caller_and_no_wish_reach_a_key_outside_the_folder(
    caller: str, wish: str | None, below: bool, key: str, sibling: bool
) -> None:
    folder = f"users/{caller}/"
    prefix = folder + wish if below and wish is not None else wish
    policy = policy_of(caller, "users/{caller}/", prefix)
    if policy is not None:
        assert_stays_in(folder, policy, f"users/{caller}{key}" if sibling else key)


@given(key=NAMES)
def test_one_exact_object_is_exactly_one(key: str) -> None:
    policy = policy_of("alice", "users/{caller}/", "users/alice/a.txt")
    assert policy is not None
    assert reaches(policy, f"users/alice/{key}") is (key == "a.txt")
    assert not lists(policy, "users/alice/a.txt")
