"""The webhook: asked once at a time, remembered for a while, never flooded, never believed too long."""

import asyncio
import gc
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sts_server.callers.api_keys import ApiKeys
from sts_server.callers.desk import Desk
from sts_server.callers.remembered import Remembered
from sts_server.callers.webhook import WAITING, Webhook
from sts_server.callers.webhook_answer import Accepted, Refused, Unusable, Verdict
from sts_server.errors import LoginUnavailable, Refusal, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller
from sts_server.settings.webhook import WebhookTable
from tests.sts_server.parts import ALICE_KEY, T0, SetClock

TABLE = WebhookTable(url="http://127.0.0.1:1/", max_calls=2)


@dataclass
class Login:
    """A login service that says what it was told to, after a gate opens if there is one."""

    says: Verdict | None = None
    gate: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    async def __call__(self, token: str) -> Verdict:
        self.asked.append(token)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.under_way -= 1
        return self.says or Accepted(token, 900, frozenset({"staff"}), {"team": "red"})


@dataclass
class House:
    """A webhook login with the parts that a test may turn."""

    login: Login = field(default_factory=Login)
    clock: SetClock = field(default_factory=SetClock)
    watch: SetClock = field(default_factory=lambda: SetClock(0))
    table: WebhookTable = TABLE
    size: int = 10

    def __post_init__(self) -> None:
        self.webhook = Webhook(
            self.table, self.login, size=self.size, clock=self.clock, stopwatch=self.watch
        )

    async def outcome(self, token: str) -> Caller | Refusal:
        try:
            return await self.webhook.authenticate(token)
        except Refusal as refusal:
            return refusal


@pytest.fixture
def house() -> House:
    return House()


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def settle() -> None:
    """Let whatever can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_login_says_whose_a_token_is_and_until_when(house: House) -> None:
    caller = asyncio.run(house.webhook.authenticate("alice"))
    assert caller == Caller("alice", frozenset({"staff"}), {"team": "red"}, T0 + 900)


def test_what_is_left_is_claimed_and_no_more() -> None:
    webhook = House().webhook
    assert webhook.claims("x")
    assert webhook.claims("x" * 8192)
    assert not webhook.claims("")
    assert not webhook.claims("x" * 8193)


def test_a_key_is_never_shown_to_the_login(house: House) -> None:
    desk = Desk([ApiKeys([]), house.webhook])
    for token in (ALICE_KEY, "osk_", "x" * 8193):
        proof = Proof({"authorization": [f"Bearer {token}"]}.__getitem__, "127.0.0.1")
        with pytest.raises(Unauthenticated):
            asyncio.run(desk.authenticate(proof))
    assert house.login.asked == []


@pytest.mark.parametrize("token", ["\x01", "a\x7f", "zoë", "a\x80", "\ud800", "a\nb"])
def test_what_no_header_should_hold_is_no_token(house: House, token: str) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(house.webhook.authenticate(token))
    assert house.login.asked == []


def test_a_token_is_remembered_until_it_must_be_asked_about_again(house: House) -> None:
    async def story() -> None:
        for moment, asked in [(0, 1), (59, 1), (60, 2), (61, 2), (119, 2), (120, 3)]:
            house.watch.now, house.clock.now = moment, T0 + moment
            caller = await house.webhook.authenticate("alice")
            assert len(house.login.asked) == asked, moment
            assert caller.expires == T0 + moment // 60 * 60 + 900

    run(story())


def test_whoever_signs_out_is_out_when_the_memory_ends(house: House) -> None:
    async def story() -> None:
        await house.webhook.authenticate("alice")
        house.login.says = Refused("signed out")
        house.watch.now = 60
        with pytest.raises(Unauthenticated, match="the login refused the token: signed out"):
            await house.webhook.authenticate("alice")

    run(story())


def test_nothing_is_remembered_where_that_is_wished() -> None:
    house = House(table=TABLE.model_copy(update={"remember": 0}))

    async def story() -> None:
        for _ in range(3):
            await house.webhook.authenticate("alice")

    run(story())
    assert len(house.login.asked) == 3


def test_a_refusal_is_remembered_5_seconds(house: House) -> None:
    house.login.says = Refused("")

    async def story() -> None:
        for moment, asked in [(0, 1), (4.9, 1), (5, 2)]:
            house.watch.now = moment
            with pytest.raises(Unauthenticated, match="does not say why"):
                await house.webhook.authenticate("alice")
            assert len(house.login.asked) == asked
        house.login.says, house.watch.now = None, 10
        assert (await house.webhook.authenticate("alice")).id == "alice"

    run(story())


def test_a_login_that_is_away_is_never_remembered(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        house.login.says = Unusable("HTTP status 500")
        for _ in range(3):
            with pytest.raises(LoginUnavailable) as refusal:
                await house.webhook.authenticate("alice")
            assert (refusal.value.status, refusal.value.retry_after) == (503, 5)
            assert "500" not in refusal.value.detail
        house.login.says = None
        assert (await house.webhook.authenticate("alice")).id == "alice"

    with caplog.at_level(logging.ERROR):
        run(story())
        # The operator is told, and not three times.
        assert caplog.text.count("callers.webhook: HTTP status 500") == 1
        house.watch.now = 10
        house.login.says = Unusable("HTTP status 502")
        with pytest.raises(LoginUnavailable):
            asyncio.run(house.webhook.authenticate("bob"))
    assert "HTTP status 502" in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.parametrize(
    ("says", "outcome"), [(None, Caller), (Refused("no"), Unauthenticated), (Unusable("x"), LoginUnavailable)]
)  # fmt: skip
def test_equal_tokens_share_one_call(house: House, says: Verdict | None, outcome: type) -> None:
    house.login.says = says

    async def story() -> None:
        house.login.gate = asyncio.Event()
        waiting = [asyncio.create_task(house.outcome("alice")) for _ in range(50)]
        await settle()
        house.login.gate.set()
        outcomes = await asyncio.gather(*waiting)
        assert {type(it) for it in outcomes} == {outcome}

    run(story())
    assert house.login.asked == ["alice"]


def test_whoever_goes_away_takes_the_answer_from_nobody(house: House) -> None:
    async def story() -> None:
        house.login.gate = asyncio.Event()
        first = asyncio.create_task(house.outcome("alice"))
        second = asyncio.create_task(house.outcome("alice"))
        await settle()
        first.cancel()
        await settle()
        house.login.gate.set()
        assert isinstance(await second, Caller)
        assert first.cancelled()
        assert house.login.asked == ["alice"]

    run(story())


def test_an_answer_that_nobody_waits_for_is_remembered_or_forgotten_in_silence(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        house.login.gate = asyncio.Event()
        for says in (Unusable("x"), None):
            house.login.says = says
            asking = asyncio.create_task(house.outcome("alice"))
            await settle()
            asking.cancel()
            house.login.gate.set()
            await settle()
        assert isinstance(await house.outcome("alice"), Caller)

    run(story())
    gc.collect()
    assert house.login.asked == ["alice", "alice"]
    assert "never retrieved" not in caplog.text


# floods


def test_only_so_many_calls_are_under_way_and_all_are_answered(house: House) -> None:
    async def story() -> None:
        house.login.gate = asyncio.Event()
        asking = [asyncio.create_task(house.outcome(f"caller{n}")) for n in range(WAITING)]
        await settle()
        assert house.login.under_way == 2
        house.login.gate.set()
        assert all(isinstance(it, Caller) for it in await asyncio.gather(*asking))

    run(story())
    assert house.login.most == 2


def test_a_flood_is_turned_away_at_once_and_known_callers_are_not(house: House) -> None:
    async def story() -> None:
        await house.webhook.authenticate("alice")
        house.login.gate = asyncio.Event()
        flood = [asyncio.create_task(house.outcome(f"made-up-{n}")) for n in range(10 * WAITING)]
        await settle()
        turned_away = [it.result() for it in flood if it.done()]
        assert len(turned_away) == 9 * WAITING
        assert {(type(it), getattr(it, "retry_after", 0)) for it in turned_away} == {
            (LoginUnavailable, 1)
        }
        assert (await house.webhook.authenticate("alice")).id == "alice"
        house.login.gate.set()
        await asyncio.gather(*flood)
        assert (await house.webhook.authenticate("bob")).id == "bob"

    run(story())


def test_who_waits_for_a_turn_too_long_is_told_to_come_back() -> None:
    house = House(table=TABLE.model_copy(update={"timeout": 0.001}))

    async def story() -> None:
        house.login.gate = asyncio.Event()
        calls = [asyncio.create_task(house.outcome(name)) for name in ("a", "b", "c")]
        late = (await asyncio.gather(*calls))[2]
        assert isinstance(late, LoginUnavailable)
        assert late.retry_after == 1
        house.login.gate.set()
        assert isinstance(await house.outcome("d"), Caller)

    run(story())
    assert house.login.asked == ["a", "b", "d"]


def test_the_wait_for_a_turn_is_a_part_of_the_time_for_a_call() -> None:
    house = House(table=TABLE.model_copy(update={"timeout": 0.4, "max_calls": 1}))

    async def story() -> None:
        house.login.gate = asyncio.Event()
        began = asyncio.get_running_loop().time()
        first = asyncio.create_task(house.outcome("a"))
        asyncio.get_running_loop().call_later(0.3, house.login.gate.set)
        await settle()
        house.login.gate = asyncio.Event()
        outcome = await house.outcome("b")
        assert isinstance(first.result(), Caller)
        assert isinstance(outcome, LoginUnavailable)
        assert outcome.retry_after == 5
        assert asyncio.get_running_loop().time() - began < 0.6

    run(story())
    assert house.login.asked == ["a", "b"]


def test_thousands_of_unknown_tokens_push_out_no_known_one(house: House) -> None:
    async def story() -> None:
        await house.webhook.authenticate("alice")
        house.login.says = Refused("who?")
        for number in range(5000):
            assert isinstance(await house.outcome(f"made-up-{number}"), Unauthenticated)
        assert isinstance(await house.outcome("alice"), Caller)
        assert "alice" not in house.login.asked[1:]

    run(story())
    assert (len(house.webhook._refused), len(house.webhook._accepted)) == (10, 1)
    assert house.webhook._calls == {}


def test_no_token_is_kept(house: House) -> None:
    asyncio.run(house.webhook.authenticate("a-token-of-alice"))
    kept = [it for it in vars(house.webhook).values() if isinstance(it, Remembered | dict)]
    assert "a-token-of-alice" in repr(house.login.asked)
    for it in kept:
        keys: Sequence[object] = list(it._values if isinstance(it, Remembered) else it)
        assert all(isinstance(key, bytes) and len(key) == 32 for key in keys)


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    memory: Remembered[int] = Remembered(2)
    for key, value in ((b"a", 1), (b"b", 2), (b"a", 3)):
        memory.put(key, value, until=10)
    assert memory.get(b"a", 0) == 3
    memory.put(b"c", 4, until=10)
    assert [memory.get(key, 0) for key in (b"a", b"b", b"c")] == [3, None, 4]
    assert memory.get(b"a", 10) is None
    assert len(memory) == 1
