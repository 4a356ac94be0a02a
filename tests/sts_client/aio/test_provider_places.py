"""One provider in several places: loops one after the other, loops at once, forks, pickles."""

import asyncio
import copy
import os
import pickle
import threading

import pytest

from sts_client.aio import AsyncProvider, InThread, leases_from
from sts_client.errors import StsClientError, UsageError
from tests.sts_client.aio.loop import AsyncQueue, Clock, in_loop, settled
from tests.sts_client.aio.test_provider import NEXT, provider
from tests.sts_client.stage import NOW, SECRETS, Queue, Travelling, lease


def test_another_loop_goes_on_where_one_has_ended() -> None:
    clock = Clock(NOW)
    ours = AsyncProvider(InThread(Queue(lease(1), NEXT)), clock=clock, random=lambda: 0.0)
    first = asyncio.run(ours.lease())
    clock.now = NOW + 1800

    async def leave_at_once() -> None:
        assert await ours.lease() is first  # and a task behind, which this loop does not finish

    asyncio.run(leave_at_once())
    clock.now = NOW + 3301
    assert asyncio.run(ours.lease()) is NEXT


@in_loop
async def test_two_loops_at_once_are_told_so() -> None:
    source = AsyncQueue(lease(1))
    source.opened.clear()
    ours = provider(source, Clock(NOW))
    asked = asyncio.create_task(ours.lease())
    await settled()
    errors: list[Exception] = []

    def other() -> None:
        try:
            asyncio.run(ours.lease())
        except StsClientError as error:
            errors.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    source.opened.set()
    await asked
    assert [type(error) for error in errors] == [UsageError]
    assert "a provider of its own" in str(errors[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_task_of_its_parent() -> None:
    async def parent() -> int:
        queue = AsyncQueue(lease(1))
        queue.opened.clear()
        ours = provider(queue, Clock(NOW))
        asked = asyncio.create_task(ours.lease())
        await settled()
        child = os.fork()
        if child == 0:
            asyncio.events._set_running_loop(None)
            ours._source = InThread(Travelling())
            found = asyncio.run(asyncio.wait_for(ours.credentials(), 10))
            os._exit(0 if found.access_key_id == "STS.1" else 1)
        queue.opened.set()
        await asked
        return os.waitpid(child, 0)[1]  # noqa: ASYNC222 - nothing else is going on

    assert asyncio.run(parent()) == 0


@in_loop
async def test_shows_no_secret_and_no_lease_travels() -> None:
    ours = provider(AsyncQueue(lease(1)), Clock(NOW))
    await ours.lease()
    for text in (repr(ours), str(ours), f"{ours}"):
        assert not any(secret in text for secret in SECRETS)
    ours = AsyncProvider(InThread(Travelling()), clock=Clock(NOW))
    await ours.lease()
    for travelled in (pickle.loads(_pickled(ours)), copy.deepcopy(ours)):  # noqa: S301 - its own
        assert travelled._holding.lease is None
        assert (await travelled._source.fetch()).credentials.access_key_id == "STS.1"


def _pickled(ours: AsyncProvider) -> bytes:
    pickled = pickle.dumps(ours)
    assert b"STS.1" not in pickled
    assert not any(secret.encode() in pickled for secret in SECRETS)
    return pickled


def test_a_token_that_is_a_text_does_not_travel() -> None:
    with pytest.raises(TypeError, match="TokenFile"):
        pickle.dumps(leases_from("https://sts.example.com", grant="g", token="secret"))
