"""Many tasks, one lease: who fetches, who waits, who gets what."""

import asyncio
from typing import Any

import pytest

from sts_client import Lease, Refresh
from sts_client.aio import AsyncProvider
from sts_client.errors import (
    BadLease,
    ServerUnavailable,
    TokenUnavailable,
    TooManyRequests,
    UsageError,
)
from tests.sts_client.aio.loop import AsyncQueue, Clock, in_loop, settled
from tests.sts_client.stage import NOW, lease

NEXT = lease(2, issued=NOW + 1800, refresh_after=NOW + 3600, expiry=NOW + 5400)


def provider(source: AsyncQueue, clock: Clock, **changes: Any) -> AsyncProvider:
    return AsyncProvider(source, clock=clock, **{"random": lambda: 0.0} | changes)


@in_loop
async def test_fresh_is_one_fetch_and_never_gives_way() -> None:
    clock, source = Clock(NOW), AsyncQueue(lease(1), lease(2))
    ours = provider(source, clock)
    first = await ours.lease()
    clock.now = NOW + 1799
    step = ours.lease()
    with pytest.raises(StopIteration) as ended:
        step.send(None)  # no loop has a part in it
    assert ended.value.value is first
    assert await ours.credentials() is first.credentials
    assert source.asked == [None]


@in_loop
async def test_stale_is_handed_out_while_one_task_behind_fetches() -> None:
    clock, source = Clock(NOW), AsyncQueue(lease(1), NEXT)
    ours = provider(source, clock)
    first = await ours.lease()
    clock.now = NOW + 1800
    source.opened.clear()
    for _ in range(10):
        assert await ours.lease() is first
        await settled()
    assert len(source.asked) == 2
    source.opened.set()
    await settled()
    assert await ours.lease() is NEXT
    assert len(source.asked) == 2


@in_loop
async def test_a_thousand_tasks_on_a_dead_lease_are_one_fetch() -> None:
    clock, source = Clock(NOW), AsyncQueue(lease(1), lease(2, expiry=NOW + 9000))
    ours = provider(source, clock)
    await ours.lease()
    clock.now = NOW + 3301
    source.opened.clear()
    asked = [asyncio.create_task(ours.lease()) for _ in range(1000)]
    await settled()
    source.opened.set()
    assert {id(found) for found in await asyncio.gather(*asked)} == {id(await ours.lease())}
    assert source.asked == [None, None]


@in_loop
async def test_a_thousand_tasks_on_a_dead_lease_get_the_same_error_and_it_is_not_kept() -> None:
    error = ServerUnavailable("down")
    source = AsyncQueue(error, lease(1))
    source.opened.clear()
    ours = provider(source, Clock(NOW))
    asked = [asyncio.create_task(ours.lease()) for _ in range(1000)]
    await settled()
    source.opened.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {id(each) for each in found} == {id(error)}
    assert (await ours.lease()).credentials.access_key_id == "STS.1"
    assert len(source.asked) == 2


@pytest.mark.parametrize("cancelled", [[0], [3], [0, 1, 2, 3, 4]])
@in_loop
async def test_whoever_is_cancelled_harms_nobody(cancelled: list[int]) -> None:
    source = AsyncQueue(lease(1))
    source.opened.clear()
    ours = provider(source, Clock(NOW))
    asked = [asyncio.create_task(ours.lease()) for _ in range(5)]
    await settled()
    for number in cancelled:
        asked[number].cancel()
    await settled()
    source.opened.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    for number, each in enumerate(found):
        expected = asyncio.CancelledError if number in cancelled else Lease
        assert isinstance(each, expected)
    assert (await ours.lease()).credentials.access_key_id == "STS.1"
    assert source.asked == [None]  # the fetch went on to its end


@in_loop
async def test_a_fetch_whose_waiters_have_all_gone_may_fail_in_silence() -> None:
    source = AsyncQueue(ServerUnavailable("down"))
    source.opened.clear()
    ours = provider(source, Clock(NOW))
    asked = asyncio.create_task(ours.lease())
    await settled()
    asked.cancel()
    source.opened.set()
    await settled()
    assert asked.cancelled()


@in_loop
async def test_a_fetch_that_somebody_cancels_is_taken_over() -> None:
    source = AsyncQueue(lease(1))
    source.opened.clear()
    ours = provider(source, Clock(NOW))
    asked = [asyncio.create_task(ours.lease()) for _ in range(3)]
    await settled()
    for task in asyncio.all_tasks():
        if task.get_name() == "sts-client-refresh":
            task.cancel()
    source.opened.set()
    assert len({id(found) for found in await asyncio.gather(*asked)}) == 1
    assert source.asked == [None, None]


@in_loop
async def test_a_source_that_waits_for_what_was_cancelled_is_an_error_and_no_circle() -> None:
    source = AsyncQueue(asyncio.CancelledError())
    with pytest.raises(TokenUnavailable, match="waited for what was cancelled"):
        await provider(source, Clock(NOW)).lease()
    assert source.asked == [None]


@pytest.mark.parametrize("deep", [False, True])
@in_loop
async def test_a_source_that_asks_its_own_provider_is_told_so(*, deep: bool) -> None:
    class Circle(AsyncQueue):
        async def fetch(self, *, refused: str | None = None) -> Lease:
            if deep:
                return await asyncio.create_task(ours.lease())
            return await ours.refused(refused or "STS.0")

    ours = provider(Circle(lease(1)), Clock(NOW))
    with pytest.raises(UsageError, match="means of its own"):
        await ours.lease()


@in_loop
async def test_a_failure_while_stale_keeps_serving_and_backs_off() -> None:
    clock = Clock(NOW)
    slow = TooManyRequests("slow", retry_after=40.0)
    source = AsyncQueue(lease(1), ServerUnavailable("down"), slow)
    ours = provider(source, clock)

    async def fetches() -> int:
        assert (await ours.credentials()).access_key_id == "STS.1"
        await settled()
        return len(source.asked)

    assert await fetches() == 1
    for step, expected in ((1800, 2), (0.4, 2), (0.2, 3), (39, 3), (2, 4)):
        clock.now += step
        assert await fetches() == expected


@in_loop
async def test_a_failure_while_dead_is_raised() -> None:
    clock = Clock(NOW)
    ours = provider(AsyncQueue(lease(1), ServerUnavailable("down")), clock)
    await ours.lease()
    clock.now = NOW + 3301
    with pytest.raises(ServerUnavailable):
        await ours.lease()


@in_loop
async def test_a_lease_that_dies_while_it_is_replaced_is_not_handed_out() -> None:
    clock, source = Clock(NOW), AsyncQueue(lease(1), ServerUnavailable("down"))
    ours = provider(source, clock)
    await ours.lease()
    clock.now = NOW + 3290
    source.opened.clear()
    await ours.lease()
    clock.now = NOW + 3301
    late = asyncio.create_task(ours.lease())
    await settled()
    source.opened.set()
    with pytest.raises(ServerUnavailable):
        await late


@in_loop
async def test_a_refused_key_is_fetched_anew_and_named_once() -> None:
    source = AsyncQueue(lease(1), lease(2))
    ours = provider(source, Clock(NOW))
    await ours.lease()
    found = await asyncio.gather(*(ours.refused("STS.1") for _ in range(20)))
    assert {each.credentials.access_key_id for each in found} == {"STS.2"}
    assert (await ours.refused("STS.1")).credentials.access_key_id == "STS.2"  # comes late
    assert source.asked == [None, "STS.1"]


@in_loop
async def test_a_key_reported_during_a_fetch_is_not_handed_out_again() -> None:
    clock = Clock(NOW)
    source = AsyncQueue(lease(1), lease(1), lease(2))  # the server still has it in its cache
    ours = provider(source, clock)
    await ours.lease()
    clock.now = NOW + 2000
    source.opened.clear()
    await ours.lease()
    await settled()
    report = asyncio.create_task(ours.refused("STS.1"))
    await settled()
    source.opened.set()
    assert (await report).credentials.access_key_id == "STS.2"
    assert source.asked == [None, None, "STS.1"]


@in_loop
async def test_a_wrong_time_is_measured_anew_and_nobody_refused() -> None:
    source = AsyncQueue(lease(1), lease(1, offset=60.0), lease(1, offset=120.0))
    ours = provider(source, Clock(NOW))
    first = await ours.lease()
    assert (await ours.mistimed(first)).offset == 60.0
    assert (await ours.mistimed(first)).offset == 60.0  # somebody comes late
    assert source.asked == [None, None]


@in_loop
async def test_each_refresh_is_told_and_a_hook_that_fails_costs_nothing() -> None:
    def hook(refresh: Refresh) -> None:
        told.append(refresh)
        raise ValueError("a secret")

    told: list[Refresh] = []
    clock = Clock(NOW)
    ticks = iter(range(100))
    source = AsyncQueue(lease(1), ServerUnavailable("away"))
    ours = provider(source, clock, on_refresh=hook, stopwatch=lambda: float(next(ticks)))
    first = await ours.lease()
    clock.now = NOW + 1800
    await ours.lease()
    await settled()
    assert [(it.seconds, it.lease, type(it.error)) for it in told] == [
        (1.0, first, type(None)),
        (1.0, None, ServerUnavailable),
    ]


@in_loop
async def test_any_error_of_a_source_reaches_the_caller() -> None:
    with pytest.raises(BadLease):
        await provider(AsyncQueue(BadLease("no")), Clock(NOW)).lease()
    with pytest.raises(BadLease, match="only 40 seconds left"):
        await provider(AsyncQueue(lease(1)), Clock(NOW + 3560)).lease()
