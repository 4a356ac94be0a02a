"""Leases for event loops: at hand or not, fetched once, told why not."""

import asyncio
from collections.abc import Callable

import pytest

from sts_client import Provider
from sts_client.errors import GrantDenied, NoLeaseYet, ServerUnavailable
from sts_client.plugs.ahead import Ahead
from tests.sts_client.stage import NOW, SECRETS, Queue, lease

Work = Callable[[], None]


class Later:
    """Keeps what is to be run behind until a test lets it run."""

    def __init__(self) -> None:
        self.works: list[Work] = []

    def __call__(self, work: Work) -> None:
        self.works.append(work)

    def run(self) -> None:
        """Run it."""
        while self.works:
            self.works.pop(0)()


def ahead_of(source: Queue, later: Later) -> Ahead:
    return Ahead(Provider(source, clock=lambda: NOW, behind=later), behind=later)


def test_what_is_not_at_hand_is_fetched_behind_once() -> None:
    source, later = Queue(lease(1)), Later()
    ahead = ahead_of(source, later)
    for _ in range(3):
        with pytest.raises(NoLeaseYet, match="await warm"):
            ahead.at_hand()
    assert source.asked == []
    later.run()
    assert ahead.at_hand() == lease(1)
    assert source.asked == [None]
    assert asyncio.run(ahead.lease()) == lease(1)
    assert not any(secret in repr(ahead) for secret in SECRETS)


def test_why_there_is_none_is_told_once_and_then_tried_again() -> None:
    source, later = Queue(GrantDenied("no"), lease(1)), Later()
    ahead = ahead_of(source, later)
    with pytest.raises(NoLeaseYet):
        ahead.at_hand()
    later.run()
    with pytest.raises(GrantDenied, match="no"):
        ahead.at_hand()
    with pytest.raises(NoLeaseYet):
        ahead.at_hand()
    later.run()
    assert ahead.at_hand() == lease(1)


def test_a_refused_lease_is_dropped_at_once_and_named() -> None:
    source, later = Queue(lease(1), lease(2)), Later()
    ahead = ahead_of(source, later)
    with pytest.raises(NoLeaseYet):
        ahead.at_hand()
    later.run()
    ahead.refused("STS.1")
    ahead.refused("STS.1")
    with pytest.raises(NoLeaseYet):
        ahead.at_hand()
    later.run()
    assert ahead.at_hand() == lease(2)
    assert source.asked == [None, "STS.1"]
    ahead.refused("STS.1")  # by somebody who is late
    assert ahead.at_hand() == lease(2)


def test_coroutines_wait_together_and_give_up_alone() -> None:
    source, later = Queue(lease(1)), Later()
    ahead = ahead_of(source, later)

    async def work() -> list[object]:
        tasks = [asyncio.create_task(ahead.lease()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.sleep(0)
        later.run()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = asyncio.run(work())
    assert isinstance(first, asyncio.CancelledError)
    assert others == [lease(1), lease(1)]
    assert source.asked == [None]


def test_no_thread_is_an_error_and_not_a_wait_without_end() -> None:
    def none_left(_work: Work) -> None:
        raise RuntimeError("can't start new thread")

    ahead = Ahead(Provider(Queue(lease(1)), clock=lambda: NOW), behind=none_left)
    with pytest.raises(RuntimeError):
        asyncio.run(ahead.lease())
    with pytest.raises(RuntimeError):
        ahead.at_hand()


def test_a_stale_lease_is_given_while_the_server_is_away() -> None:
    now = [NOW]
    source, later = Queue(lease(1), ServerUnavailable("away")), Later()
    provider = Provider(source, clock=lambda: now[0], random=lambda: 0.0, behind=later)
    assert provider.lease() == lease(1)
    ahead = Ahead(provider, behind=later)
    now[0] = NOW + 1900
    assert ahead.at_hand() == lease(1)
    assert source.asked == [None]  # the refresh is behind
    later.run()
    assert source.asked == [None, None]
    assert ahead.at_hand() == lease(1)
