"""The catalogue: exactly what a lease would be vended for, and each look at it written down."""

import asyncio

import pytest

from sts_server.audit import Record
from sts_server.callers.api_keys import ApiKeys, digest
from sts_server.callers.desk import Desk
from sts_server.catalogue import Catalogue, Offer, offers
from sts_server.denials import EVERYTHING, Denials
from sts_server.errors import CallerNotAllowed, InvalidArgument, Refusal, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller, Grant, Scope
from tests.sts_server.parts import ALICE_KEY, T0, SetClock

ALL, NONE = frozenset({"*"}), frozenset[str]()
GRANTS = {
    "team": Grant("team", "teams/{claim.team}/", ("get", "list"), ALL, NONE, 7200),
    "boss": Grant("boss", "", ("get",), frozenset({"bob"}), NONE, 900),
    "short": Grant("short", "s/a.txt", ("get",), ALL, NONE, 3600, end_with_token=True),
}
ALICE = Caller("alice", claims={"team": "a"}, expires=T0 + 2000)


def test_it_offers_what_the_caller_holds_in_the_order_of_the_configuration() -> None:
    shown = offers(GRANTS, "b-1", ALICE, T0)
    assert shown.given == (
        Offer("team", Scope("b-1", "teams/a/", ("get", "list")), 7200),
        Offer("short", Scope("b-1", "s/a.txt", ("get",)), 1800),
    )
    assert shown.refused == {}


def test_what_is_held_and_refused_is_said_and_why() -> None:
    shown = offers(GRANTS, "b-1", Caller("bob", expires=T0 + 60), T0)
    assert [offer.grant for offer in shown.given] == ["boss"]
    assert {name: type(why) for name, why in shown.refused.items()} == {
        "team": CallerNotAllowed,
        "short": CallerNotAllowed,
    }
    assert "claim team" in shown.refused["team"].detail
    assert "sign in again" in shown.refused["short"].detail


def test_a_grant_that_is_stopped_is_refused() -> None:
    shown = offers(GRANTS, "b-1", ALICE, T0, Denials(grants=frozenset({"team", "boss"})))
    assert [offer.grant for offer in shown.given] == ["short"]
    assert list(shown.refused) == ["team"]


def show(
    audit: list[Record], *, key: str = ALICE_KEY, query: bytes = b"", stopped: bool = False
) -> object:
    house = Catalogue(
        callers=Desk([ApiKeys([(digest(ALICE_KEY), ALICE)], clock=SetClock())]),
        grants=GRANTS,
        bucket="b-1",
        audit=audit.append,
        denials=lambda: EVERYTHING if stopped else Denials(),
        clock=SetClock(),
    )
    proof = Proof({"authorization": (f"Bearer {key}",)}.__getitem__, "127.0.0.1")
    return asyncio.run(house.show(proof, query, "R-1"))


def test_each_look_is_a_line() -> None:
    audit: list[Record] = []
    show(audit)
    assert audit == [
        {
            "request_id": "R-1",
            "peer": "127.0.0.1",
            "caller": "alice",
            "grants": ["team", "short"],
            "outcome": "listed",
        }
    ]


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        ({"key": "osk_" + "x" * 43}, Unauthenticated),
        ({"key": "osk_" + "x" * 43, "query": b"a=b"}, Unauthenticated),
        ({"query": b"prefix=a/"}, InvalidArgument),
        ({"stopped": True}, CallerNotAllowed),
    ],
)
def test_what_is_wrong_first_is_said_and_written_down(
    ask: dict[str, object], refusal: type[Refusal]
) -> None:
    audit: list[Record] = []
    with pytest.raises(refusal):
        show(audit, **ask)  # type: ignore[arg-type]  # a table of different arguments
    assert [(line["outcome"], line["code"]) for line in audit] == [("refused", refusal.__name__)]
