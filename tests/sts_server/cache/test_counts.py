"""The counts of the cache: each ask is one thing, and no call goes uncounted."""

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sts_server.cache.counts import Counts
from sts_server.cache.memory import MemoryCache
from sts_server.errors import TooManyRequests, UpstreamRefused, UpstreamUnavailable
from sts_server.lease import Held, RoleRequest
from tests.sts_server.parts import ScriptedSts, SetClock

REQUEST = RoleRequest("acs:ram::1:role/r", "alice-1", "{}", 3600)
ERRORS = (None, None, UpstreamUnavailable("away", hint=""), UpstreamRefused("no", hint=""))


@dataclass(frozen=True)
class Step:
    """Some ask at once, after some time, while STS is in some mood."""

    asks: int
    keys: int
    seconds: float
    error: Exception | None


STEPS = st.lists(
    st.builds(
        Step,
        asks=st.integers(1, 8),
        keys=st.integers(1, 40),
        seconds=st.sampled_from([0, 1, 11, 61, 1500, 1900, 3400, 4000]),
        error=st.sampled_from(ERRORS),
    ),
    max_size=20,
)


@given(STEPS)
def test_an_ask_is_a_hit_a_miss_a_waiter_or_too_many(steps: list[Step]) -> None:
    clock = SetClock()
    sts = ScriptedSts(clock)
    cache = MemoryCache(sts, size=50, clock=clock, stopwatch=clock)
    asked = refused = 0

    async def story() -> None:
        nonlocal asked, refused
        for step in steps:
            clock.now += step.seconds
            sts.error = step.error
            answers = await asyncio.gather(
                *(
                    cache.lease("alice", RoleRequest("acs:ram::1:role/r", "a", f"{n}", 3600))
                    for n in range(step.keys)
                    for _ in range(step.asks)
                ),
                return_exceptions=True,
            )
            await asyncio.sleep(0)  # what was started behind a hit
            await asyncio.sleep(0)
            asked += len(answers)
            refused += sum(isinstance(answer, TooManyRequests) for answer in answers)

    asyncio.run(story())
    counts = cache.counts
    assert counts.hits + counts.misses + counts.waiters + refused == asked
    assert counts.misses + counts.refreshes == len(sts.asked)


def test_whoever_waits_for_anothers_call_is_no_miss(sts: ScriptedSts) -> None:
    async def story() -> Counts:
        sts.gate = asyncio.Event()
        cache = MemoryCache(sts, clock=sts.clock, stopwatch=sts.clock)
        asks = [asyncio.create_task(cache.lease("alice", REQUEST)) for _ in range(100)]
        await asyncio.sleep(0)
        sts.gate.set()
        await asyncio.gather(*asks)
        await cache.lease("alice", REQUEST)
        return cache.counts

    assert asyncio.run(story()) == Counts(hits=1, misses=1, waiters=99)


def test_a_call_behind_a_hit_is_a_refresh(sts: ScriptedSts, clock: SetClock) -> None:
    async def story() -> tuple[Held, Counts]:
        cache = MemoryCache(sts, clock=clock, stopwatch=clock)
        await cache.lease("alice", REQUEST)
        clock.now += 1500
        served = await cache.lease("alice", REQUEST)
        return served, cache.counts

    served, counts = asyncio.run(story())
    assert served.cached
    assert counts == Counts(hits=1, misses=1, refreshes=1)


def test_counts_outlive_a_cache(sts: ScriptedSts) -> None:
    counts = Counts(misses=4)

    async def story() -> None:
        await MemoryCache(sts, counts=counts, clock=sts.clock).lease("alice", REQUEST)

    asyncio.run(story())
    assert counts.misses == 5
