"""An issuer's keys: one fetch for all who wait, old keys in an outage, no fetch at an attacker's will."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from sts_server.callers.oidc.issuer import FRESH, PAUSE, Issuer
from sts_server.callers.oidc.key_set import KeySet
from sts_server.errors import LoginUnavailable, Unauthenticated
from tests.sts_server.callers.oidc.mint import ISSUER, OTHER_RSA, RSA, jwk, jwks
from tests.sts_server.parts import SetClock

FIRST = jwks(jwk(RSA, kid="1"))
ROTATED = jwks(jwk(OTHER_RSA, kid="2"))
RS256 = "RS256"


@dataclass
class Fetch:
    """Gives what it was told to, after a gate opens if there is one."""

    text: str = FIRST
    error: str | None = None
    gate: asyncio.Event | None = None
    count: int = 0

    async def __call__(self) -> KeySet:
        self.count += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise LoginUnavailable(self.error)
        return KeySet.of(self.text, ("RS256",))


@dataclass
class House:
    """An issuer with its stopwatch and what it fetches."""

    now: SetClock = field(default_factory=lambda: SetClock(1000))
    fetch: Fetch = field(default_factory=Fetch)

    def __post_init__(self) -> None:
        self.issuer = Issuer(ISSUER, self.fetch, stopwatch=self.now)

    async def knows(self, key_id: str) -> bool:
        try:
            keys = await self.issuer.seek(RS256, key_id)
        except Unauthenticated:
            return False
        return bool(keys.fitting(RS256, key_id))

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def away(self, key_id: str = "1") -> int:
        with pytest.raises(LoginUnavailable) as refusal:
            await self.issuer.seek(RS256, key_id)
        assert refusal.value.retry_after is not None
        assert str(self.fetch.error) not in refusal.value.detail
        return refusal.value.retry_after


@pytest.fixture
def house() -> House:
    return House()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_nothing_is_fetched_before_a_token_comes(house: House) -> None:
    async def story() -> None:
        assert house.issuer.current() is None
        await house.settle()

    run(story())
    assert house.fetch.count == 0


def test_all_who_come_first_share_one_fetch(house: House) -> None:
    async def story() -> None:
        house.fetch.gate = asyncio.Event()
        waiting = [asyncio.create_task(house.knows("1")) for _ in range(50)]
        await house.settle()
        waiting[0].cancel()
        house.fetch.gate.set()
        assert all(await asyncio.gather(*waiting[1:]))
        assert house.issuer.current() is not None

    run(story())
    assert house.fetch.count == 1


def test_old_keys_serve_while_one_fetches_new_ones(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        house.now.now += FRESH - 1
        assert house.issuer.current() is not None
        await house.settle()
        assert house.fetch.count == 1
        house.now.now += 1
        house.fetch.text, house.fetch.gate = ROTATED, asyncio.Event()
        for _ in range(10):
            assert await house.knows("1")
        house.fetch.gate.set()
        await house.settle()
        assert not await house.knows("1")
        assert await house.knows("2")

    run(story())
    # The third is for the key that was taken back and is asked for nevertheless.
    assert house.fetch.count == 3


def test_the_same_keys_stay_the_same_value(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        before = house.issuer.current()
        house.now.now += FRESH
        house.issuer.current()
        await house.settle()
        assert house.issuer.current() is before
        house.now.now += FRESH
        house.fetch.text = ROTATED
        house.issuer.current()
        await house.settle()
        assert house.issuer.current() is not before

    run(story())


def test_an_unknown_key_is_asked_for_at_once_and_then_only_now_and_then(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        house.fetch.text = ROTATED
        assert await house.knows("2")
        assert house.fetch.count == 2
        for second in range(PAUSE * 10):
            house.now.now += 1
            for number in range(20):
                assert not await house.knows(f"random-{second}-{number}")
        assert house.fetch.count <= 2 + 10 + 1

    run(story())


def test_all_who_name_unknown_keys_share_one_fetch(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        house.fetch.gate = asyncio.Event()
        waiting = [asyncio.create_task(house.knows(f"random-{n}")) for n in range(50)]
        waiting.append(asyncio.create_task(house.knows("1")))
        await house.settle()
        assert waiting[-1].done()
        assert not waiting[0].done()
        house.fetch.gate.set()
        assert not any(await asyncio.gather(*waiting[:-1]))

    run(story())
    assert house.fetch.count == 2


def test_the_first_token_with_an_unknown_key_costs_one_fetch(house: House) -> None:
    run(_says(house, "random", expected=False))
    assert house.fetch.count == 1


async def _says(house: House, key_id: str, *, expected: bool) -> None:
    assert await house.knows(key_id) is expected


def test_in_an_outage_old_keys_go_on_and_new_ones_cannot_be_known(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        await house.knows("1")
        house.fetch.error = "nobody answers there"
        for _ in range(24 * 60):
            house.now.now += 60
            assert await house.knows("1")
            await house.settle()
        assert 1 <= await house.away("2") <= PAUSE
        house.fetch.error, house.fetch.text = None, ROTATED
        house.now.now += PAUSE
        assert await house.knows("2")

    with caplog.at_level(logging.WARNING):
        run(story())
    assert f"issuer {ISSUER}: its keys cannot be fetched: nobody answers there" in caplog.text


def test_after_a_failure_keys_are_asked_for_again_soon(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        house.now.now += FRESH
        house.fetch.error = "away"
        house.issuer.current()
        await house.settle()
        house.fetch.error, house.fetch.text = None, ROTATED
        house.now.now += PAUSE - 1
        house.issuer.current()
        await house.settle()
        assert house.fetch.count == 2
        house.now.now += 1
        house.issuer.current()
        await house.settle()
        assert await house.knows("2")

    run(story())
    assert house.fetch.count == 3


def test_before_the_first_keys_came_everybody_is_told_when_to_come_back(house: House) -> None:
    async def story() -> None:
        house.fetch.error = "nobody answers there"
        assert await house.away() == 5
        house.now.now += 3
        assert await house.away() == 2
        assert house.fetch.count == 1
        house.now.now += 2
        house.fetch.error = None
        assert await house.knows("1")
        assert house.fetch.count == 2

    run(story())


def test_keys_that_nobody_used_for_long_are_asked_for_first(house: House) -> None:
    async def story() -> None:
        await house.knows("1")
        house.now.now += 7200
        house.fetch.text, house.fetch.gate = ROTATED, asyncio.Event()
        assert house.issuer.current() is None
        waiting = [asyncio.create_task(house.knows("1")) for _ in range(3)]
        await house.settle()
        assert house.issuer.current() is None
        house.fetch.gate.set()
        assert await asyncio.gather(*waiting) == [False] * 3
        assert house.issuer.current() is not None
        # If it cannot be asked, they go on.
        house.now.now += 7200
        house.fetch.error = "away"
        assert await house.knows("2")

    run(story())


def test_an_issuer_that_takes_all_keys_back_is_believed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        await house.knows("1")
        house.now.now += FRESH
        house.fetch.text = jwks()
        house.issuer.current()
        await house.settle()
        assert not await house.knows("1")

    run(story())
    assert "shows no key that can be used here" in caplog.text


def test_a_fetch_that_is_cut_off_with_its_loop_is_begun_anew(house: House) -> None:
    async def cut_off() -> None:
        house.fetch.gate = asyncio.Event()
        asyncio.get_running_loop().create_task(house.knows("1"))
        await house.settle()

    run(cut_off())
    house.fetch.gate = None
    house.now.now += 5
    run(_says(house, "1", expected=True))
