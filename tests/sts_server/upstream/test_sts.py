"""STS as the server knows it: again where that is of use, never too much, never too long."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine

import pytest

from sts_server.access_key import AccessKey
from sts_server.errors import (
    KeyNotFound,
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.identity import Identity
from sts_server.lease import RoleRequest
from tests.sts_server.upstream.stage import (
    LEASED,
    OWN_KEY,
    REQUEST,
    Rest,
    ScriptedSource,
    Server,
    answering,
    ask,
    error,
    sts_at,
    url,
)

NOT_NOW = (503, error("ServiceUnavailable"))
THROTTLED = (400, error("Throttling.User"))
REFUSED = (403, error("NoPermission"))
WHO = {
    "RequestId": "R",
    "AccountId": "1234567890123456",
    "Arn": "acs:ram::1234567890123456:user/vend",
    "IdentityType": "RAMUser",
}


@pytest.mark.parametrize(
    ("first", "calls"), [([NOT_NOW], 2), ([NOT_NOW, NOT_NOW], 3), ([THROTTLED], 2)]
)
def test_what_may_pass_is_tried_again(first: list[tuple[int, object]], calls: int) -> None:
    with answering(200, LEASED, first=first) as server:
        assert ask(server).access_key_id == "STS.NTexample"
    assert len(server.paths) == calls
    # Each is a call of its own: STS refuses a nonce that it has seen.
    assert len({path.split("SignatureNonce=")[1].split("&")[0] for path in server.paths}) == calls


@pytest.mark.parametrize(
    ("answers", "calls", "kind"),
    [
        ([NOT_NOW], 3, UpstreamUnavailable),
        ([THROTTLED], 2, UpstreamThrottled),
        ([NOT_NOW, THROTTLED], 2, UpstreamThrottled),
        ([REFUSED], 1, UpstreamRefused),
        ([NOT_NOW, REFUSED], 2, UpstreamRefused),
    ],
)
def test_but_not_for_ever_and_a_refusal_never(
    answers: list[tuple[int, object]], calls: int, kind: type[UpstreamFailure]
) -> None:
    *first, (status, body) = answers
    with answering(status, body, first=first) as server, pytest.raises(kind):
        ask(server)
    assert len(server.paths) == calls


def test_the_pauses_are_chosen_by_chance_and_grow() -> None:
    rest = Rest()
    with answering(*NOT_NOW) as server, pytest.raises(UpstreamUnavailable):
        ask(server, sleep=rest.sleep, stopwatch=rest, chance=lambda: 0.25)
    assert rest.slept == [0.05, 0.1]


def run(server: Server, story: Callable[[Server], Coroutine[None, None, None]]) -> None:
    asyncio.run(story(server))


def test_no_more_calls_are_under_way_than_configured() -> None:
    async def story(server: Server) -> None:
        server.gate.clear()
        async with sts_at(url(server), max_calls=2) as sts:
            calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(6)]
            while len(server.paths) < 2:
                await asyncio.wait(calls, timeout=0.01)
            # Two are being answered; a third would arrive at once if it were under way.
            await asyncio.wait(calls, timeout=0.2)
            assert len(server.paths) == 2
            assert (sts.under_way, sts.waiting) == (2, 4)
            server.gate.set()
            await asyncio.gather(*calls)
            assert len(server.paths) == 6
            assert (sts.under_way, sts.waiting) == (0, 0)

    with answering(200, LEASED) as server:
        run(server, story)


def test_who_finds_the_queue_full_is_shed_at_once() -> None:
    async def story(server: Server) -> None:
        server.gate.clear()
        async with sts_at(url(server), max_calls=1, queue=1) as sts:
            calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(3)]
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            (shed,) = (call.exception() for call in done)
            assert isinstance(shed, UpstreamThrottled)
            assert shed.retry_after
            assert "sts.queue" in shed.hint
            server.gate.set()
            await asyncio.wait(calls)
        assert len(server.paths) == 2

    with answering(200, LEASED) as server:
        run(server, story)


def test_a_call_that_hangs_is_not_waited_for_longer_than_the_deadline() -> None:
    """Whatever it hangs on: a name that is not found, bytes that drip, the source of our key."""
    hangs = threading.Event()

    class Hanging(ScriptedSource):
        def find(self) -> AccessKey:
            hangs.wait()
            return super().find()

    async def story(server: Server) -> None:
        async with sts_at(url(server), Hanging([OWN_KEY]), deadline=0.2, max_calls=1) as sts:
            for said in ("no answer within 0.2 s", "no turn in time"):
                with pytest.raises((UpstreamUnavailable, UpstreamThrottled)) as failure:
                    await sts.assume_role(REQUEST)
                assert said in failure.value.hint
            # Nobody waits for that call any more, but it is still one of those under way.
            assert sts.under_way == 1
            hangs.set()
            while sts.under_way:
                await asyncio.wait({asyncio.create_task(asyncio.sleep(0.01))})

    with answering(200, LEASED) as server:
        run(server, story)


def test_an_answer_that_does_not_come_is_no_answer() -> None:
    with answering(200, LEASED) as server:
        server.gate.clear()
        with pytest.raises(UpstreamUnavailable) as failure:
            ask(server, read_timeout=0.1, deadline=0.5)
        assert failure.value.hint == f"{url(server)}: no answer in time"


def test_at_its_end_whoever_waits_is_refused_and_calls_under_way_are_answered() -> None:
    async def story(server: Server) -> None:
        server.gate.clear()
        sts = sts_at(url(server), max_calls=2)
        calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(5)]
        while len(server.paths) < 2:
            await asyncio.wait(calls, timeout=0.01)
        sts.close()
        await asyncio.wait(calls[2:])
        for call in calls[2:]:
            assert isinstance(call.exception(), UpstreamUnavailable)
        server.gate.set()
        for call in calls[:2]:
            assert (await call).access_key_id == "STS.NTexample"
        with pytest.raises(UpstreamUnavailable):
            await sts.assume_role(REQUEST)
        with pytest.raises(UpstreamUnavailable):
            await sts.identity()

    with answering(200, LEASED) as server:
        run(server, story)


def test_a_retry_at_the_end_is_a_refusal_too() -> None:
    async def story(server: Server) -> None:
        async def ending(_: float) -> None:
            sts.close()

        sts = sts_at(url(server), sleep=ending)
        with pytest.raises(UpstreamUnavailable):
            await sts.assume_role(REQUEST)

    with answering(*NOT_NOW) as server:
        run(server, story)
    assert len(server.paths) == 1


def test_calls_go_on_while_the_event_loop_has_thousands_of_asks_to_read() -> None:
    busy = threading.Event()

    async def story(server: Server) -> None:
        async with sts_at(url(server), max_calls=1) as sts:
            calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(3)]
            await asyncio.sleep(0)
            while len(server.paths) < 3:
                busy.wait(0.01)  # the loop does nothing else meanwhile
            await asyncio.gather(*calls)

    with answering(200, LEASED) as server:
        run(server, story)


def test_who_goes_away_keeps_no_turn() -> None:
    async def story(server: Server) -> None:
        server.gate.clear()
        async with sts_at(url(server), max_calls=1) as sts:
            calls = [asyncio.create_task(sts.assume_role(REQUEST)) for _ in range(3)]
            while not server.paths:
                await asyncio.wait(calls, timeout=0.01)
            for call in calls[:2]:
                call.cancel()
            await asyncio.wait(calls[:2])
            assert (sts.under_way, sts.waiting) == (1, 1)
            server.gate.set()
            assert (await calls[2]).access_key_id == "STS.NTexample"

    with answering(200, LEASED) as server:
        run(server, story)


def test_each_call_is_told_to_whoever_observes() -> None:
    seen: list[tuple[RoleRequest, str, float]] = []
    with answering(200, LEASED, first=[NOT_NOW]) as server:
        ask(server, observed=lambda *what: seen.append(what))
    assert [it[:2] for it in seen] == [(REQUEST, "UpstreamUnavailable"), (REQUEST, "answered")]
    assert all(0 < seconds < 5 for *_, seconds in seen)


def test_a_retry_is_a_call_of_the_budget() -> None:
    async def story(server: Server) -> None:
        async with sts_at(url(server), calls_per_minute=6) as sts:
            with pytest.raises(UpstreamThrottled) as failure:
                await sts.assume_role(REQUEST)
            assert "sts.calls_per_minute" in failure.value.hint

    with answering(*NOT_NOW) as server:
        run(server, story)
    assert len(server.paths) == 1


def identity(server: Server) -> Identity:
    async def story() -> Identity:
        async with sts_at(url(server)) as sts:
            return await sts.identity()

    return asyncio.run(story())


def test_it_tells_who_we_are() -> None:
    with answering(200, WHO) as server:
        assert identity(server) == Identity(WHO["AccountId"], WHO["Arn"], "RAMUser")
    assert "Action=GetCallerIdentity" in server.paths[0]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (*NOT_NOW, UpstreamUnavailable),
        (*THROTTLED, UpstreamThrottled),
        (404, error("InvalidAccessKeyId.NotFound"), UpstreamRefused),
        (200, {}, UpstreamUnavailable),
        (200, {**WHO, "Arn": "acs:ram::1:user/\u001b[2J"}, UpstreamUnavailable),
        (200, {**WHO, "Arn": "x" * 300}, UpstreamUnavailable),
        (200, {**WHO, "AccountId": 7}, UpstreamUnavailable),
    ],
)
def test_or_why_it_cannot(status: int, body: object, kind: type[UpstreamFailure]) -> None:
    with answering(status, json.dumps(body).encode()) as server, pytest.raises(kind):
        identity(server)
    assert len(server.paths) == 1


def test_who_probes_does_not_stand_behind_those_who_hang() -> None:
    async def story(server: Server) -> None:
        server.gate.clear()
        async with sts_at(url(server), max_calls=1, queue=0) as sts:
            hanging = asyncio.create_task(sts.assume_role(REQUEST))
            while not server.paths:
                await asyncio.wait({hanging}, timeout=0.01)
            who = asyncio.create_task(sts.identity())
            while len(server.paths) < 2:
                await asyncio.wait({hanging, who}, timeout=0.01)
            server.gate.set()
            assert (await who).kind == "RAMUser"
            await hanging

    with answering(200, {**LEASED, **WHO}) as server:
        run(server, story)


def test_without_a_key_of_our_own_sts_is_not_asked() -> None:
    source = ScriptedSource([KeyNotFound("no key of our own: looked in vain in x", may_pass=True)])
    with answering(200, LEASED) as server, pytest.raises(UpstreamUnavailable) as failure:
        ask(server, source)
    assert "looked in vain in x" in failure.value.hint
    assert "looked" not in failure.value.detail
    assert server.paths == []
