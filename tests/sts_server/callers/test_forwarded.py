"""A proxy's headers: believed from the proxy only, and only if they can mean one thing."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.callers.api_keys import ApiKeys, digest
from sts_server.callers.desk import Desk
from sts_server.callers.forwarded import Forwarded
from sts_server.errors import InvalidArgument, Refusal, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller
from sts_server.settings.forwarded import ForwardedTable
from tests.sts_server.parts import ALICE_KEY

SECRET = "s" * 32
OLD_SECRET = "o" * 40
PEER = "10.0.0.5"
TABLE = ForwardedTable(
    networks=("10.0.0.0/24", "fd00::/64"),
    secret_file="not read here",
    groups_header="X-Forwarded-Groups",
    claims={"team": "X-Forwarded-Team"},
)
PROXY = Forwarded(TABLE, lambda: (SECRET, OLD_SECRET))

Headers = Mapping[str, Sequence[str]]


def said(headers: Headers, peer: str = PEER, login: Forwarded = PROXY) -> Caller:
    proof = Proof(lambda name: headers.get(name, ()), peer)
    assert login.claims(proof)
    return asyncio.run(login.authenticate(proof))


def alice(**more: str | Sequence[str]) -> Headers:
    """Alice's headers, with others in front of them or in their place."""
    sent = {"user": "alice", "secret": SECRET, **more}
    return {
        f"x-forwarded-{name}": [value] if isinstance(value, str) else value
        for name, value in sent.items()
    }


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_the_proxy_names_the_caller(secret: str) -> None:
    assert said(alice(secret=secret)) == Caller("alice")


def test_groups_and_claims_come_in_headers_of_their_own() -> None:
    caller = said(alice(groups="staff, admins,x", team="red"))
    assert caller == Caller("alice", frozenset({"staff", "admins", "x"}), {"team": "red"})
    assert said(alice(groups="")).groups == frozenset()


@pytest.mark.parametrize("id_", ["alice@example.com", "CN=alice", "a|b", "x" * 256, "~!\"'/\\"])
def test_an_id_is_any_one_word(id_: str) -> None:
    assert said(alice(user=id_)).id == id_


@pytest.mark.parametrize(
    "peer", ["10.0.0.0", "10.0.0.255", "::ffff:10.0.0.5", "::ffff:a00:5", "fd00::1", "fd00::1%eth0"]
)
def test_the_networks_are_the_proxys(peer: str) -> None:
    assert said(alice(), peer) == Caller("alice")


@pytest.mark.parametrize(
    "peer",
    ["10.0.1.0", "9.255.255.255", "::ffff:10.0.1.5", "::10.0.0.5", "fd00:0:0:1::1", "127.0.0.1", "", "localhost", "10.0.0.5:80", "010.0.0.5", "10.0.0.5 ", "unix:"],
)  # fmt: skip
def test_nobody_else_is_the_proxy_whatever_they_know(peer: str) -> None:
    with pytest.raises(Unauthenticated):
        said(alice(), peer)


@pytest.mark.parametrize(
    "secret",
    [(), "", SECRET[:-1], SECRET + "s", SECRET.upper(), f" {SECRET}", f"{SECRET},{SECRET}", OLD_SECRET + SECRET, "é" * 32, "\ud800"],
)  # fmt: skip
def test_nobody_is_the_proxy_without_its_secret(secret: str | Sequence[str]) -> None:
    with pytest.raises(Unauthenticated):
        said(alice(secret=secret))


def test_a_refusal_does_not_say_which_was_wrong() -> None:
    details = set()
    for headers, peer in [(alice(), "1.1.1.1"), (alice(secret="x"), PEER), (alice(secret=()), "")]:
        with pytest.raises(Unauthenticated) as refusal:
            said(headers, peer)
        details.add(refusal.value.detail)
    assert len(details) == 1


@pytest.mark.parametrize(
    "headers",
    [
        alice(user=("alice", "alice")),
        alice(user=("alice", "")),
        alice(user=("alice", "bob")),
        alice(secret=(SECRET, SECRET)),
        alice(secret=("x", SECRET)),
        alice(groups=("staff", "admins")),
        alice(team=("red", "blue")),
        *[
            alice(user=value)
            for value in (
                "", " ", "alice, bob", "alice,bob", ",", "alice,", "alice bob", "alice\tbob", "alice\n",
                "alice\r\nX-Forwarded-User: bob", "\x00", "alice\x00", "alice\x01", "\x7f", "zoë", "\xa0alice", "ａlice",
                "\ud800", "x" * 257,
            )
        ],
        *[alice(groups=value) for value in (",", "staff,", "a,,b", "a b", "zoë", "a\x00", " ")],
        *[alice(team=value) for value in ("", "red,blue", "red blue", "röd", "red\x01")],
    ],
)  # fmt: skip
@pytest.mark.parametrize("believed", [True, False])
def test_what_could_mean_two_things_is_no_request(headers: Headers, believed: bool) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        said(headers, PEER if believed else "1.1.1.1")
    assert SECRET not in refusal.value.detail
    assert "alice" not in refusal.value.detail


def test_a_secret_that_names_nobody_is_nobody() -> None:
    with pytest.raises(Unauthenticated, match="names nobody"):
        said({"x-forwarded-secret": [SECRET]})


def test_headers_that_are_not_named_are_not_read() -> None:
    login = Forwarded(
        ForwardedTable(networks=("10.0.0.0/8",), secret_file="s", id_header="Remote-User"),
        lambda: [SECRET],
    )
    assert not login.claims(Proof(lambda _: (), PEER))
    groups_only: Headers = {"x-forwarded-groups": ["staff"]}
    assert not PROXY.claims(Proof(lambda name: groups_only.get(name, ()), PEER))
    headers = {"remote-user": ["alice"], **alice(user="bob", groups="staff")}
    assert said(headers, login=login) == Caller("alice")


@pytest.mark.parametrize("more", [{"x-forwarded-user": ["bob"]}, {"x-forwarded-secret": ["x"]}])
def test_a_proxys_word_and_a_bearer_are_two_proofs(more: Headers) -> None:
    desk = Desk([ApiKeys([(digest(ALICE_KEY), Caller("alice"))])], [PROXY])
    headers = {"authorization": [f"Bearer {ALICE_KEY}"], **more}
    with pytest.raises(InvalidArgument):
        asyncio.run(desk.authenticate(Proof(lambda name: headers.get(name, ()), PEER)))


_TEXT = st.one_of(st.text(max_size=20), st.just(SECRET), st.just("alice"))
_SENT = st.lists(_TEXT, max_size=2)


@given(
    st.fixed_dictionaries(
        {f"x-forwarded-{name}": _SENT for name in ("user", "secret", "groups", "team")}
    ),
    st.one_of(st.just(PEER), st.ip_addresses().map(str), st.text(max_size=12)),
)
def test_whoever_says_whatever_only_the_proxy_is_believed(headers: Headers, peer: str) -> None:
    proof = Proof(lambda name: headers.get(name, ()), peer)
    try:
        caller = asyncio.run(PROXY.authenticate(proof))
    except Refusal as refusal:
        assert refusal.status in (400, 401)
    else:
        assert headers["x-forwarded-secret"] == [SECRET]
        assert headers["x-forwarded-user"] == [caller.id]
        assert peer == PEER or peer.startswith(("10.0.0.", "fd00:"))
