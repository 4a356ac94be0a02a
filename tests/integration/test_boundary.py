"""The security boundary under attack: no caller, grant or wish reaches a key outside the grant.

What is allowed is said here once more, in other words than the server's, and the policy is judged
by the sandbox's evaluator, which shares no line with its writer.
"""

import string
from collections.abc import Callable
from typing import Literal, get_args
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sts_server.errors import Refusal
from sts_server.grants import read_wish, resolve
from sts_server.sandbox.ram.decision import Access, Resource, allows
from sts_server.sandbox.ram.document import Policy, parse_policy
from sts_server.scope import ACTIONS, Action, Caller, Grant, Scope, Wish, caller_hash
from sts_server.vending import Role, role_request

BUCKET = "examplebucket"
NOW = 1_764_577_800.0
PLAIN = set(string.ascii_letters + string.digits + "._@+=,:|~-")
HONEST = ("alice", "bob", "a", "ab", "a.b", "team-a", "x" * 64)
HOSTILE = (
    "*", "?", "a*", "alic?", "a/../b", "../bob", "..", ".", "%2e%2e", "a\0b", "x" * 65, "аlice", "alice／", "a/b",
    "${oss:Prefix}", "{caller}", "{claim.team}", "alice\n", "", "/", "//", "\\", "\ud800", '"],"Action":["oss:*"],"x":["',
)  # fmt: skip
TEMPLATES = (
    "users/{caller}/", "{caller}/", "users/{caller_hash}/", "teams/{claim.team}/", "teams/{claim.team}/{caller}/",
    "a-{claim.role}.d/{claim.team}/", "users/{caller}/terms.pdf", "{claim.team}", "shared/", "shared/a", "",
)  # fmt: skip
OF_ACTION: dict[Action, tuple[str, ...]] = {
    "get": ("oss:GetObject",),
    "put": ("oss:PutObject", "oss:AbortMultipartUpload", "oss:ListParts"),
    "delete": ("oss:DeleteObject",),
    "list": (),
}
ON_OBJECTS = (
    *(name for names in OF_ACTION.values() for name in names), "oss:GetObjectAcl", "oss:PutObjectAcl",
    "oss:GetObjectVersion", "oss:DeleteObjectVersion", "oss:PutObjectTagging", "oss:RestoreObject",
)  # fmt: skip
ON_BUCKET = (
    "oss:ListObjects", "oss:ListObjectVersions", "oss:ListMultipartUploads", "oss:PutBucketAcl", "oss:DeleteBucket",
    "oss:GetBucketInfo", "oss:PutBucketCors",
)  # fmt: skip

# Most attacks come near to what is allowed: those that are refused at once prove little.
FEW = st.sampled_from(HONEST[:3])
TEXTS = FEW | st.sampled_from((*HONEST, *HOSTILE)) | st.text(max_size=8)
SETS = st.frozensets(TEXTS, max_size=2)
SAID = FEW | TEXTS | TEXTS | SETS
CLAIMS = st.fixed_dictionaries({"team": SAID, "role": SAID}) | st.fixed_dictionaries(
    {}, optional={"team": SAID}
)
CALLERS = st.builds(Caller, TEXTS, SETS, CLAIMS)
GRANTS = st.builds(
    Grant,
    st.just("g"),
    st.sampled_from(TEMPLATES),
    st.frozensets(st.sampled_from(ACTIONS), min_size=1).map(
        lambda some: tuple(action for action in ACTIONS if action in some)
    ),
    st.just(frozenset({"*"})) | SETS,
    SETS,
    st.just(3600),
    st.fixed_dictionaries(
        {}, optional={name: st.frozensets(FEW | TEXTS, min_size=1) for name in ("team", "role")}
    ),
)
NO_WISH: dict[str, str] = {}
WISHES = st.just(NO_WISH) | st.fixed_dictionaries(
    {},
    optional={
        "prefix": TEXTS,
        "actions": st.lists(st.sampled_from((*ACTIONS, "*", "Get")), min_size=1).map(",".join),
        "refused": TEXTS,
    },
)
Near = Literal["", "below", "beside"]
Attack = tuple[Caller, Grant, dict[str, str], Near, str]
NEAR: st.SearchStrategy[Near] = st.sampled_from(get_args(Near))
ATTACKS = st.tuples(CALLERS, GRANTS, WISHES, NEAR, TEXTS)


def is_held(grant: Grant, caller: Caller) -> bool:
    """Say who holds a grant: by id, by group, or by all of its claims."""
    if "*" in grant.callers or caller.id in grant.callers or caller.groups & grant.groups:
        return True
    for name, values in grant.claims.items():
        said = caller.claims.get(name)
        if said is None or not values & ({said} if isinstance(said, str) else said):
            return False
    return bool(grant.claims)


def place_of(template: str, caller: Caller) -> str | None:
    """Say what a template means for a caller; None where it means nothing."""
    said: dict[str, object] = {"{caller}": caller.id, "{caller_hash}": caller_hash(caller.id)}
    said |= {f"{{claim.{name}}}": caller.claims.get(name) for name in ("team", "role")}
    filled = template
    for placeholder, value in said.items():
        if placeholder not in template:
            continue
        if not isinstance(value, str) or not 1 <= len(value) <= 64:
            return None
        if not set(value) <= PLAIN or value in (".", ".."):
            return None
        filled = filled.replace(placeholder, value)
    return filled


def within(name: str, place: str) -> bool:
    """Say whether a name is of a place: below a folder, or the object itself."""
    return name.startswith(place) if place == "" or place.endswith("/") else name == place


def vended(caller: Caller, grant: Grant, query: dict[str, str]) -> tuple[Wish, Scope, str] | None:
    """Ask the server, and give the wish, the scope and the policy, or None if it refuses."""
    try:
        wish = read_wish("g", urlencode(query, errors="surrogatepass").encode())
        scope, term = resolve({"g": grant}, BUCKET, caller, wish, NOW)
        request = role_request(Role("acs:ram::1:role/r"), scope, caller, term.duration)
    except Refusal:
        return None
    return wish, scope, request.policy


def reach(policy: Policy, name: str) -> set[str]:
    """Name the actions that are allowed on an object."""
    at = Resource("oss", "cn-hangzhou", "1", name)
    return {action for action in ON_OBJECTS if allows([policy], Access(action, at))}


def listing(policy: Policy, bucket: str, prefix: str | None) -> set[str]:
    """Name the actions that are allowed on a bucket, for a listing of a prefix."""
    facts = {} if prefix is None else {"oss:Prefix": prefix}
    at = Resource("oss", "cn-hangzhou", "1", bucket)
    return {action for action in ON_BUCKET if allows([policy], Access(action, at, facts))}


def assault(attack: Attack, spoil: Callable[[str], str] = str) -> bool:
    """Try one attack; say whether there was a policy to be judged. `spoil` makes it a wrong one."""
    caller, grant, query, near, text = attack
    guess = grant.prefix.replace("{caller}", caller.id)
    for name in ("team", "role"):
        guess = guess.replace(f"{{claim.{name}}}", str(caller.claims.get(name)))
    if near and "prefix" in query:
        start = guess if near == "below" else guess.rstrip("/")
        query = query | {"prefix": start + query["prefix"]}
    given = vended(caller, grant, query)
    if given is None:
        return False
    wish, scope, policy_text = given
    place = place_of(grant.prefix, caller)
    assert is_held(grant, caller)
    assert place is not None
    if wish.prefix is not None:
        assert within(wish.prefix, place)
        place = wish.prefix
    granted = set(grant.actions) & set(wish.actions or ACTIONS)
    rights = {name for action in granted for name in OF_ACTION[action]}
    policy = parse_policy(spoil(policy_text))
    bare = place.rstrip("/")
    keys = {
        text,
        place + text,
        bare + text,
        bare,
        f"{bare}x/{text}",
        place[:-1],
        place.replace(caller.id, text, 1),
    }
    for key in keys:
        here = within(key, place)
        assert reach(policy, f"{BUCKET}/{key}") <= (rights if here else set())
        assert listing(policy, BUCKET, key) <= (
            {"oss:ListObjects"} if here and "list" in granted else set()
        )
    assert not listing(policy, BUCKET, None)
    for other in (f"{BUCKET}-x", text):
        if other != BUCKET:
            assert not listing(policy, other, place)
            assert not reach(policy, f"{other}/{place}x")
    assert scope.prefix == place
    return True


def run(tries: int) -> tuple[int, int]:
    """Attack so many times: how many attacks there were, and how many had a policy to judge."""
    judged: list[bool] = []

    @settings(
        max_examples=tries,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ATTACKS)
    def attacked(attack: Attack) -> None:
        judged.append(assault(attack))

    attacked()
    return len(judged), sum(judged)


def test_no_attack_reaches_a_key_outside_the_grant() -> None:
    tries, judged = run(1000)
    assert tries >= 1000
    assert judged >= tries // 5  # else it would prove little


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_nor_does_one_of_a_hundred_thousand(capsys: pytest.CaptureFixture[str]) -> None:
    # In parts, since what was tried is remembered.
    tries, judged = map(sum, zip(*(run(10_000) for _ in range(10)), strict=True))
    with capsys.disabled():
        print(f"\n  {tries} attacks, {judged} of them with a policy to judge")
    assert tries >= 100_000
    assert judged >= tries // 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("examplebucket/users/alice/*", "examplebucket/users/alice*"),
        ("examplebucket/users/alice/*", "examplebucket/users/*"),
        ("examplebucket/users/alice/*", "examplebucket/users/?lice/*"),
        ("examplebucket/users/alice/*", "examplebucket*/users/alice/*"),
        ('"oss:GetObject"', '"oss:GetObject*"'),
        ('"oss:GetObject"', '"oss:GetObject","oss:PutObject"'),
        ('"oss:ListObjects"', '"oss:List*"'),
        ('["users/alice/*"]', '["users/alice*"]'),
        ('["users/alice/*"]', '["*"]'),
        (',"Condition":{"StringLike":{"oss:Prefix":["users/alice/*"]}}', ""),
    ],
)
def test_a_policy_that_is_wider_would_be_found(right: str, wrong: str) -> None:
    grant = Grant("g", "users/{caller}/", ("get", "list"), frozenset({"*"}), frozenset(), 3600)
    attack: Attack = (Caller("alice"), grant, {}, "", "blice")
    assert assault(attack)
    honest = vended(Caller("alice"), grant, {})
    assert honest is not None
    assert right in honest[2]
    with pytest.raises(AssertionError):
        assault(attack, lambda policy: policy.replace(right, wrong))
