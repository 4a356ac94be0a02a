"""What only asyncio's bucket does; all else is promised in `tests/sts_client/test_bucket.py`."""

import asyncio
import io
import logging
import pickle
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_client import Lease, TokenVariable, errors
from sts_client.aio import AsyncBucket, AsyncProvider, connect
from sts_client.aio.objects import AsyncObjects, Reach
from sts_client.aio.objects.slots import Slots
from sts_client.aio.transport import exactly
from sts_client.objects.address import Address
from tests.sts_client.aio.loop import AsyncQueue, Clock, in_loop, no_wait, settled, worst_lag
from tests.sts_client.stage import BEARER, NOW, SECRETS, Answer, Asked, Stage, lease, serving
from tests.sts_client.test_bucket import by_key, refusal, stored


@asynccontextmanager
async def opened(
    answer: Callable[[Asked], Answer], *leases: Lease, clock: Clock | None = None, **parts: Any
) -> AsyncIterator[tuple[AsyncBucket, Stage, AsyncQueue]]:
    with serving(answer) as stage:
        clock = clock or Clock(NOW)
        source = AsyncQueue(*(leases or (lease(1, endpoint=stage.url),)))
        provider = AsyncProvider(source, clock=clock, random=lambda: 0.0)
        reach = Reach(endpoint=stage.url, timeout=(5.0, 5.0))
        objects = AsyncObjects(provider, reach, clock=clock, wait=no_wait, **parts)
        async with AsyncBucket(provider, objects) as bucket:
            yield bucket, stage, source


@given(st.text(min_size=1), st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_no_url_is_changed(key: str, query: list[tuple[str, str]]) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in key + str(query)):
        return
    for key_ in (key, f"{key}/../{key}", f"./{key}//..", f"%2e%2E/{key}%", f"{key}+?#;&="):
        url = Address("http://127.0.0.1:9", "/b/").url(key_, query)
        target = exactly(url).raw_path.decode()
        assert f"http://127.0.0.1:9{target}" == url
        assert unquote(target.partition("?")[0], errors="strict") == f"/b/{key_}"


def test_a_url_that_would_be_changed_is_not_sent() -> None:
    for url in ("http://h/a/../b", "http://h/./a", "http://h/a b", "http://h/é", "http://h/a#b"):
        with pytest.raises(errors.UsageError) as caught:
            exactly(url)
        assert url not in str(caught.value)


@in_loop
async def test_a_thousand_gets_when_the_lease_dies_are_one_fetch_and_no_dead_key_is_sent() -> None:
    clock = Clock(NOW)
    two = lease(2, issued=NOW + 3300, refresh_after=NOW + 5000, expiry=NOW + 7200)
    async with opened(by_key("STS.2"), lease(1), two, clock=clock) as (bucket, stage, source):
        await bucket.provider.lease()
        clock.now = NOW + 3301
        found = await asyncio.gather(*(bucket.get(f"k{number}") for number in range(1000)))
        assert [await each.read() for each in found] == [b"new"] * 1000
    assert source.asked == [None, None]
    assert len(stage.asked) == 1000
    assert all("Credential=STS.2/" in asked.headers["Authorization"] for asked in stage.asked)
    assert len(stage.connections) < 200  # most are kept


@in_loop
async def test_the_loop_goes_on_while_oss_is_slow() -> None:
    gone = threading.Event()

    def slow(asked: Asked) -> Answer:
        gone.wait(0.6)
        return Answer(200) if asked.method == "PUT" else stored(b"x" * 500_000)

    async def work() -> None:
        found, *_ = await asyncio.gather(
            bucket.get("a"), bucket.put("b", io.BytesIO(b"x" * 500_000)), bucket.head("c")
        )
        assert len(await found.read()) == 500_000

    async with opened(slow) as (bucket, _, _):
        assert await worst_lag(work()) < 0.3  # half of what one answer takes


@in_loop
async def test_a_file_and_an_iterator_that_block_do_not_block_the_loop(tmp_path: Path) -> None:
    def pieces() -> Any:
        for seconds in (0, 0.6, 0):
            assert threading.current_thread() is not threading.main_thread()
            gone.wait(seconds)
            yield b"piece"

    class Slow(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert threading.current_thread() is not threading.main_thread()
            return super().read(size) or b""

    gone = threading.Event()
    path = tmp_path / "file"
    path.write_bytes(b"all of it")
    async with opened(lambda _: Answer()) as (bucket, stage, _):
        assert await worst_lag(bucket.put("a", pieces())) < 0.3
        with Slow(path) as file:
            await bucket.put("b", file)
    assert [asked.body for asked in stage.asked] == [b"piece" * 3, b"all of it"]


async def drip(*pieces: Any) -> AsyncIterator[Any]:
    for piece in pieces:
        await asyncio.sleep(0)
        if isinstance(piece, Exception):
            raise piece
        yield piece


@in_loop
async def test_an_async_iterator_is_sent_as_it_comes_and_only_once() -> None:
    answers = iter([Answer(), refusal("SecurityTokenExpired"), Answer()])
    two = (lease(1), lease(2))
    async with opened(lambda _: next(answers), *two) as (bucket, stage, _):
        await bucket.put("a", drip(b"one", bytearray(b"two"), b"", memoryview(b"three")))
        with pytest.raises(errors.SecurityTokenExpired, match="cannot be read a second time"):
            await bucket.put("b", drip(b"one"))
        await bucket.put("c", b"bytes")
    assert [asked.body for asked in stage.asked] == [b"onetwothree", b"one", b"bytes"]
    assert stage.asked[0].headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize("error", [ConnectionResetError("theirs"), LookupError("theirs")])
@in_loop
async def test_what_an_async_iterator_raises_is_a_cause(error: Exception) -> None:
    async with opened(lambda _: Answer()) as (bucket, _, _):
        with pytest.raises(errors.PayloadError) as caught:
            await bucket.put("a", drip(b"one", error))
    assert caught.value.__cause__ is error


@in_loop
async def test_an_object_goes_from_one_name_to_another_without_being_held() -> None:
    def answer(asked: Asked) -> Answer:
        return stored(b"x" * 300_000) if asked.method == "GET" else Answer()

    async with opened(answer) as (bucket, stage, _):
        await bucket.put("b", await bucket.get("a"))
    assert stage.asked[1].body == b"x" * 300_000


@in_loop
async def test_an_object_is_read_in_any_way() -> None:
    body = bytes(range(256)) * 1000
    async with opened(lambda _: stored(body)) as (bucket, _, _):
        assert await (await bucket.get("k")).read() == body
        assert b"".join([piece async for piece in await bucket.get("k")]) == body
        async with await bucket.get("k") as found:
            first = await found.read(3)
            middle = await found.read(200_000)
            assert first + middle + await found.read() == body
            assert await found.read() == b""
            assert len(middle) > 0


@in_loop
async def test_who_is_cancelled_loses_only_its_own() -> None:
    hold = threading.Event()

    def answer(asked: Asked) -> Answer:
        if asked.target.endswith("slow"):
            return Answer(headers=stored(b"").headers, body=b"x", length=100_000, hold=hold)
        return stored(b"fast")

    async with opened(answer, connections=2) as (bucket, _, _):
        slow = await bucket.get("slow")
        reading = asyncio.create_task(slow.read())
        assert await (await bucket.get("fast")).read() == b"fast"
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        with pytest.raises(errors.UsageError, match="was cancelled"):
            await slow.read()
        hold.set()
        for _ in range(5):  # its connection came free
            assert await (await bucket.get("fast")).read() == b"fast"


@in_loop
async def test_nobody_waits_for_a_slot_for_ever() -> None:
    slots = Slots(1, turn=0.01)
    give_back = await slots.take()
    with pytest.raises(errors.TimedOut, match="read objects to their end"):
        await slots.take()
    give_back()
    give_back()
    (await slots.take())()
    with pytest.raises(errors.UsageError):
        Slots(0)


@in_loop
async def test_objects_closed_or_read_give_back_their_slots() -> None:
    async with opened(lambda _: stored(b"x" * 100_000), connections=1) as (bucket, stage, _):
        for _ in range(3):
            await (await bucket.get("k")).close()
            await (await bucket.get("k")).read()
            with pytest.raises(errors.UsageError):
                await bucket.get("/k")
    assert len(stage.asked) == 6


def test_a_bucket_serves_one_loop_after_another() -> None:
    async def once(bucket: AsyncBucket) -> bytes:
        try:
            return await (await bucket.get("k")).read()
        finally:
            await bucket.close()

    with serving(lambda _: stored(b"abc")) as stage:
        provider = AsyncProvider(_Plain(lease(1, endpoint=stage.url)), clock=Clock(NOW))
        bucket = AsyncBucket(provider, AsyncObjects(provider, clock=lambda: NOW))
        assert [asyncio.run(once(bucket)) for _ in range(2)] == [b"abc", b"abc"]


class _Plain:
    """A source that knows no loop."""

    def __init__(self, found: Lease) -> None:
        self._found = found

    async def fetch(self, *, refused: str | None = None) -> Lease:
        assert refused is None
        return self._found


@in_loop
async def test_shows_and_logs_no_secret_and_does_not_travel(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(lambda _: stored(b"x" * 100_000)) as (bucket, _, _):
        found = await bucket.get("k")
        shown = f"{bucket!r}{bucket}{found!r}{found}{bucket.provider!r}{caplog.text}"
        await found.close()
    assert caplog.records  # the library does log
    assert not any(secret in shown for secret in SECRETS)
    travels = connect("https://sts.example.com", grant="g", token=TokenVariable("T"))
    loaded = pickle.loads(pickle.dumps(travels))  # noqa: S301 - its own
    assert loaded._objects.provider is loaded.provider
    with pytest.raises(TypeError, match="TokenFile"):
        pickle.dumps(connect("https://sts.example.com", grant="g", token=BEARER))


@in_loop
async def test_signed_urls_wait_for_a_lease() -> None:
    async with opened(lambda _: Answer()) as (bucket, stage, source):
        source.opened.clear()
        asked = asyncio.create_task(bucket.presign_get("a b", save_as="ü.csv"))
        await settled()
        source.opened.set()
        link = await asked
        assert link.url.startswith(f"{stage.url}/examplebucket/a%20b?response-content-disposition=")
        assert (await bucket.presign_put("k", forbid_overwrite=True)).headers == {
            "x-oss-forbid-overwrite": "true"
        }
    assert stage.asked == []
