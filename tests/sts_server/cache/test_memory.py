"""The cache: one AssumeRole a key, the windows of a lease's life, and bounds for each caller."""

import asyncio
import gc

import pytest

from sts_server.cache.memory import MemoryCache
from sts_server.cache.shelves import CALLS_PER_CALLER, LEASES_PER_CALLER
from sts_server.errors import (
    TooManyRequests,
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.lease import Held, RoleRequest
from tests.sts_server.parts import T0, ScriptedSts, SetClock

REQUEST = RoleRequest("acs:ram::1:role/r", "alice-1", "{}", 3600)
AWAY = UpstreamUnavailable("away", hint="")
THROTTLED = UpstreamThrottled("slow down", hint="")
REFUSED = UpstreamRefused("no", hint="")


def numbered(number: int) -> RoleRequest:
    return RoleRequest("acs:ram::1:role/r", "alice-1", f'{{"n":{number}}}', 3600)


def cache_of(
    sts: ScriptedSts, size: int = 10_000, patience: float = 3, at_once: int = 4
) -> MemoryCache:
    """Make a cache whose stopwatch is the test's clock, too."""
    return MemoryCache(
        sts,
        size=size,
        calls_at_once=at_once,
        patience=patience,
        clock=sts.clock,
        stopwatch=sts.clock,
    )


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def ask(cache: MemoryCache, caller: str = "alice", refused: str | None = None) -> Held:
    held = await cache.lease(caller, REQUEST, refused)
    await settle()
    return held


def test_a_lease_is_asked_for_once_and_then_served(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        first = await ask(cache)
        again = await ask(cache)
        assert (first.lease, first.cached, first.refresh_after) == (again.lease, False, T0 + 1800)
        assert again.cached
        assert sts.asked == [REQUEST]

    asyncio.run(story())


def test_many_who_wait_cause_one_call(sts: ScriptedSts) -> None:
    async def story() -> None:
        sts.gate = asyncio.Event()
        cache = cache_of(sts)
        waiting = [asyncio.create_task(cache.lease("alice", REQUEST)) for _ in range(100)]
        await settle()
        sts.gate.set()
        assert {held.lease.access_key_id for held in await asyncio.gather(*waiting)} == {"STS.1"}
        assert len(sts.asked) == 1

    asyncio.run(story())


def test_two_callers_never_share_a_lease(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        alice, bob = await ask(cache, "alice"), await ask(cache, "bob")
        assert alice.lease.access_key_id != bob.lease.access_key_id

    asyncio.run(story())


def test_whoever_goes_away_does_not_take_the_call_from_the_others(sts: ScriptedSts) -> None:
    async def story() -> None:
        sts.gate = asyncio.Event()
        cache = cache_of(sts)
        leaver = asyncio.create_task(cache.lease("alice", REQUEST))
        stayer = asyncio.create_task(cache.lease("alice", REQUEST))
        await settle()
        leaver.cancel()
        await settle()
        sts.gate.set()
        assert (await stayer).lease.access_key_id == "STS.1"
        assert leaver.cancelled()

    asyncio.run(story())


def test_all_who_wait_get_the_same_error_and_it_is_not_kept(sts: ScriptedSts) -> None:
    async def story() -> None:
        sts.gate, sts.error = asyncio.Event(), AWAY
        cache = cache_of(sts)
        waiting = [asyncio.create_task(cache.lease("alice", REQUEST)) for _ in range(5)]
        await settle()
        sts.gate.set()
        assert await asyncio.gather(*waiting, return_exceptions=True) == [AWAY] * 5
        sts.error = None
        assert (await ask(cache)).lease.access_key_id == "STS.2"

    asyncio.run(story())


def test_from_40_percent_of_life_it_is_served_while_one_refreshes(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        clock.now = T0 + 1439
        await ask(cache)
        assert len(sts.asked) == 1
        clock.now = T0 + 1440
        sts.gate = asyncio.Event()
        served = [await ask(cache) for _ in range(3)]
        assert {held.lease.access_key_id for held in served} == {"STS.1"}
        assert len(sts.asked) == 2
        sts.gate.set()
        await settle()
        assert (await ask(cache)).lease.access_key_id == "STS.2"

    asyncio.run(story())


def test_past_half_life_all_wait_for_one_new_lease(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        clock.now = T0 + 1800
        new = await asyncio.gather(*(cache.lease("alice", REQUEST) for _ in range(5)))
        assert {held.lease.access_key_id for held in new} == {"STS.2"}

    asyncio.run(story())


@pytest.mark.parametrize("failure", [AWAY, THROTTLED])
def test_while_sts_is_away_the_old_lease_serves_until_five_minutes_remain(
    failure: UpstreamFailure, sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        sts.error = failure
        clock.now = T0 + 3300
        old = await ask(cache)
        assert (old.lease.access_key_id, old.refresh_after) == ("STS.1", T0 + 3360)
        assert len(sts.asked) == 2
        clock.now = T0 + 3301
        with pytest.raises(type(failure)):
            await ask(cache)

    asyncio.run(story())


def test_while_sts_is_away_it_is_not_asked_at_every_request(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        sts.error = AWAY
        clock.now = T0 + 1500
        for _ in range(5):
            await ask(cache)
        assert len(sts.asked) == 2
        clock.now = T0 + 1900
        for _ in range(5):
            await ask(cache)
        assert len(sts.asked) == 3
        clock.now = T0 + 1910
        sts.error = None
        assert (await ask(cache)).lease.access_key_id == "STS.4"

    asyncio.run(story())


def test_when_sts_refuses_us_no_old_lease_is_handed_on(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        sts.error = REFUSED
        clock.now = T0 + 1800
        for _ in range(2):
            with pytest.raises(UpstreamRefused):
                await ask(cache)

    asyncio.run(story())


def test_a_lease_that_oss_refused_is_dropped_once_a_minute(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        assert (await ask(cache, refused="STS.other")).lease.access_key_id == "STS.1"
        assert (await ask(cache, refused="STS.1")).lease.access_key_id == "STS.2"
        assert (await ask(cache, refused="STS.1")).lease.access_key_id == "STS.2"
        clock.now = T0 + 59
        assert (await ask(cache, refused="STS.2")).lease.access_key_id == "STS.2"
        clock.now = T0 + 60
        assert (await ask(cache, refused="STS.2")).lease.access_key_id == "STS.3"

    asyncio.run(story())


def test_nobody_can_drop_anothers_lease(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache, "alice")
        await ask(cache, "bob", refused="STS.1")
        assert (await ask(cache, "alice")).lease.access_key_id == "STS.1"

    asyncio.run(story())


def test_a_dropped_lease_does_not_come_back_when_sts_is_away(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        sts.error = AWAY
        with pytest.raises(UpstreamUnavailable):
            await ask(cache, refused="STS.1")

    asyncio.run(story())


def test_one_caller_may_cause_only_so_many_calls_a_minute(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        for number in range(CALLS_PER_CALLER):
            clock.now = T0 + number
            await cache.lease("alice", numbered(number))
        with pytest.raises(TooManyRequests) as refusal:
            await cache.lease("alice", numbered(-1))
        assert refusal.value.retry_after == 60 - (CALLS_PER_CALLER - 1)
        assert (await cache.lease("alice", numbered(5))).cached
        assert not (await cache.lease("bob", numbered(0))).cached
        clock.now = T0 + 60
        assert not (await cache.lease("alice", numbered(-1))).cached

    asyncio.run(story())


def test_who_asks_too_often_keeps_the_lease_they_have_until_a_new_one_is_due(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        clock.now = T0 + 1500
        for number in range(CALLS_PER_CALLER):
            await cache.lease("alice", numbered(number))
        assert (await ask(cache)).lease.access_key_id == "STS.1"
        clock.now = T0 + 1800
        sts.error = THROTTLED
        for number in range(CALLS_PER_CALLER):
            with pytest.raises(UpstreamThrottled):
                await cache.lease("alice", numbered(-1 - number))
        with pytest.raises(TooManyRequests):
            await ask(cache)

    asyncio.run(story())


def test_asks_that_are_too_many_cost_no_lease_that_is_there(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        for number in range(CALLS_PER_CALLER):
            await cache.lease("alice", numbered(number))
        for number in range(LEASES_PER_CALLER):
            with pytest.raises(TooManyRequests):
                await cache.lease("alice", numbered(-1 - number))
        assert all(
            [(await cache.lease("alice", numbered(n))).cached for n in range(CALLS_PER_CALLER)]
        )

    asyncio.run(story())


def test_calls_that_never_reached_sts_are_not_held_against_the_caller(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        sts.error = UpstreamUnavailable("later", hint="nobody listens there", asked=False)
        for _ in range(CALLS_PER_CALLER + 5):
            with pytest.raises(UpstreamUnavailable):
                await ask(cache)
        sts.error = None
        assert (await ask(cache)).lease.access_key_id

    asyncio.run(story())


def test_calls_that_sts_may_have_served_are(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        sts.error = UpstreamUnavailable("later", hint="it broke off", asked=True)
        for _ in range(CALLS_PER_CALLER):
            with pytest.raises(UpstreamUnavailable):
                await ask(cache)
        with pytest.raises(TooManyRequests):
            await ask(cache)

    asyncio.run(story())


def test_while_sts_hangs_an_old_lease_is_not_waited_for(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> None:
        cache = cache_of(sts, patience=0)
        await ask(cache)
        clock.now = T0 + 1800
        sts.gate = asyncio.Event()
        assert (await ask(cache)).lease.access_key_id == "STS.1"
        sts.gate.set()
        await settle()
        assert (await ask(cache)).lease.access_key_id == "STS.2"

    asyncio.run(story())


def test_while_sts_hangs_one_caller_leaves_room_for_another(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts, at_once=2)
        sts.gate = asyncio.Event()
        asks = [asyncio.create_task(cache.lease("alice", numbered(n))) for n in range(10)]
        await settle()
        assert len(sts.asked) == 2
        other = asyncio.create_task(cache.lease("bob", REQUEST))
        await settle()
        assert len(sts.asked) == 3
        sts.gate.set()
        await asyncio.gather(other, *asks)
        assert len(sts.asked) == 11

    asyncio.run(story())


def test_quotas_are_not_forgiven_when_the_cache_is_full(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts, size=2)
        for number in range(CALLS_PER_CALLER):
            await cache.lease("alice", numbered(number))
        for caller in ("b", "c", "d"):
            await ask(cache, caller)
        with pytest.raises(TooManyRequests):
            await ask(cache, "alice")

    asyncio.run(story())


def test_what_is_just_being_asked_for_is_not_pushed_out(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts, size=1)
        sts.gate = asyncio.Event()
        first = asyncio.create_task(cache.lease("alice", REQUEST))
        other = asyncio.create_task(cache.lease("bob", REQUEST))
        await settle()
        again = asyncio.create_task(cache.lease("alice", REQUEST))
        await settle()
        sts.gate.set()
        assert (await first).lease == (await again).lease
        assert (await other).lease.access_key_id
        assert len(sts.asked) == 2

    asyncio.run(story())


def test_a_callers_least_used_lease_goes_first(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        for number in range(LEASES_PER_CALLER):
            clock.now += 3
            await cache.lease("alice", numbered(number))
        await cache.lease("alice", numbered(0))
        clock.now += 3
        await cache.lease("alice", numbered(-1))
        assert (await cache.lease("alice", numbered(0))).cached
        clock.now += 3
        assert not (await cache.lease("alice", numbered(1))).cached

    asyncio.run(story())


def test_many_callers_come_and_go_without_a_trace(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> None:
        cache = cache_of(sts, size=5)
        for number in range(100):
            clock.now += 61
            await ask(cache, f"caller-{number}")
        assert len(cache.shelves) == 5

    asyncio.run(story())


def test_a_failed_call_behind_the_scenes_complains_to_nobody(
    sts: ScriptedSts, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await ask(cache)
        clock.now = T0 + 1500
        sts.error = REFUSED
        await ask(cache)

    asyncio.run(story(), debug=True)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_one_caller_keeps_only_so_many_leases_and_pushes_out_their_own(
    sts: ScriptedSts, clock: SetClock
) -> None:
    async def story() -> None:
        cache = cache_of(sts)
        await cache.lease("bob", numbered(0))
        for number in range(LEASES_PER_CALLER + 1):
            clock.now += 3
            await cache.lease("alice", numbered(number))
        assert (await cache.lease("bob", numbered(0))).cached
        assert (await cache.lease("alice", numbered(1))).cached
        clock.now += 3
        assert not (await cache.lease("alice", numbered(0))).cached

    asyncio.run(story())


def test_the_whole_cache_is_bounded_and_forgets_who_was_away_longest(sts: ScriptedSts) -> None:
    async def story() -> None:
        cache = cache_of(sts, size=3)
        for caller in ("a", "b", "c"):
            await ask(cache, caller)
        await ask(cache, "a")
        await ask(cache, "d")
        assert [(await ask(cache, caller)).cached for caller in ("a", "d", "c")] == [True] * 3
        assert not (await ask(cache, "b")).cached

    asyncio.run(story())


def test_asks_behind_ones_own_calls_do_not_wait_for_long(sts: ScriptedSts) -> None:
    async def story() -> None:
        sts.gate = asyncio.Event()
        cache = cache_of(sts, patience=0.01, at_once=1)
        first = asyncio.create_task(cache.lease("alice", numbered(1)))
        await settle()
        with pytest.raises(UpstreamThrottled) as shed:
            await cache.lease("alice", numbered(2))
        assert shed.value.retry_after
        assert len(sts.asked) == 1
        sts.gate.set()
        await first
        # Nothing is left behind: the turn is free, and the key can be asked for.
        assert (await cache.lease("alice", numbered(2))).cached is False

    asyncio.run(story())


def test_a_call_that_is_taken_away_is_a_refusal_to_those_who_wait(sts: ScriptedSts) -> None:
    async def story() -> None:
        sts.error = asyncio.CancelledError()
        cache = cache_of(sts)
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable) as refusal:
                await cache.lease("alice", REQUEST)
            assert refusal.value.retry_after

    asyncio.run(story())
