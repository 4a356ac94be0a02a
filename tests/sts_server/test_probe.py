"""The probe: what it asks, what it learns from callers' calls, what the operator reads."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sts_server.errors import UpstreamFailure, UpstreamRefused, UpstreamUnavailable
from sts_server.lease import RoleRequest
from sts_server.probe import Probe, harmless
from sts_server.sandbox.ram.decision import Access, Resource, allows
from sts_server.sandbox.ram.document import parse_policy
from tests.sts_server.parts import ScriptedSts

REQUEST = RoleRequest("acs:ram::1:role/r", "alice-1", "{}", 3600)
REFUSED = UpstreamRefused("no", hint="NoPermission: trust it")
AWAY = UpstreamUnavailable("away", hint="nobody listens there")


@dataclass
class Cloud:
    """An STS that refuses what a test says."""

    key: Exception | None = None
    role: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def identify(self) -> None:
        self.asked.append("key")
        if self.key is not None:
            raise self.key

    async def try_role(self) -> None:
        self.asked.append("role")
        if self.role is not None:
            raise self.role


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def probe(cloud: Cloud) -> Probe:
    return Probe(every=60, identify=cloud.identify, try_role=cloud.try_role, chance=lambda: 0.5)


def why(probe: Probe, change: Callable[[], None] = lambda: None) -> str:
    change()
    asyncio.run(probe.once())
    return probe.verdict.why


async def call(probe: Probe, sts: ScriptedSts, error: UpstreamFailure | None) -> None:
    """Make a call for a caller."""
    sts.error = error
    try:
        await probe.watching(sts)(REQUEST)
    except UpstreamFailure as failure:
        assert failure is error


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_before_the_first_probe_it_is_starting(probe: Probe, cloud: Cloud) -> None:
    assert (probe.verdict.ready, probe.verdict.why) == (False, "starting")
    assert why(probe) == "vending"
    assert cloud.asked == ["key", "role"]


def test_a_role_once_good_is_not_tried_again(probe: Probe, cloud: Cloud) -> None:
    for _ in range(3):
        asyncio.run(probe.once())
    assert cloud.asked == ["key", "role", "key", "key"]


def test_a_refused_key_or_role_is_no_server_to_ask(probe: Probe, cloud: Cloud) -> None:
    cloud.key = REFUSED
    assert why(probe) == "key refused"
    assert cloud.asked == ["key"]
    cloud.key, cloud.role = None, REFUSED
    assert why(probe) == "role refused"
    cloud.role = None
    assert why(probe) == "vending"


@pytest.mark.parametrize("error", [AWAY, ValueError("a fault of our own")])
def test_an_outage_changes_nothing(probe: Probe, cloud: Cloud, error: Exception) -> None:
    cloud.key = error
    assert why(probe) == "vending"
    cloud.key = REFUSED
    assert why(probe) == "key refused"
    cloud.key = error
    assert why(probe) == "key refused"


def test_a_role_that_was_never_tried_is_tried_when_sts_is_back(probe: Probe, cloud: Cloud) -> None:
    cloud.role = AWAY
    assert why(probe) == "vending"
    cloud.role = REFUSED
    assert why(probe) == "role refused"


def test_one_refused_call_takes_nobody_out_of_service(
    probe: Probe, cloud: Cloud, sts: ScriptedSts
) -> None:
    asyncio.run(probe.once())
    asyncio.run(call(probe, sts, REFUSED))
    assert probe.verdict.ready
    # It was that call alone: the next probe says so.
    assert why(probe) == "vending"
    assert cloud.asked == ["key", "role", "key", "role"]


def test_a_call_that_succeeds_ends_any_doubt(probe: Probe, cloud: Cloud, sts: ScriptedSts) -> None:
    cloud.role = REFUSED
    assert why(probe) == "role refused"
    asyncio.run(call(probe, sts, None))
    assert probe.verdict.ready


def test_calls_during_an_outage_change_nothing(probe: Probe, sts: ScriptedSts) -> None:
    asyncio.run(probe.once())
    asyncio.run(call(probe, sts, AWAY))
    assert probe.verdict.ready


def test_without_anything_to_ask_it_is_ready() -> None:
    assert why(Probe(every=60)) == "vending"


def test_a_doubt_is_looked_into_without_waiting_for_the_next_turn(
    cloud: Cloud, sts: ScriptedSts
) -> None:
    async def story() -> list[bool]:
        probe = Probe(every=3600, identify=cloud.identify, try_role=cloud.try_role, least=0)
        running = asyncio.create_task(probe.run())
        await settle()
        ready = [probe.verdict.ready]
        cloud.role = REFUSED
        await call(probe, sts, REFUSED)
        await settle()
        running.cancel()
        return [*ready, probe.verdict.ready]

    assert asyncio.run(story()) == [True, False]
    assert cloud.asked == ["key", "role", "key", "role"]


@pytest.mark.parametrize("action", ["oss:GetObject", "sts:AssumeRole", "ram:ListUsers"])
def test_the_session_that_tries_a_role_may_do_nothing(action: str) -> None:
    request = harmless("acs:ram::1:role/r", "external")
    resource = Resource(action.partition(":")[0], "cn-hangzhou", "1", "examplebucket/x")
    everything = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    policies = [parse_policy(everything), parse_policy(request.policy)]
    assert allows(policies[:1], Access(action, resource, {}))
    assert not allows(policies, Access(action, resource, {}))
    assert not allows(policies[1:], Access(action, resource, {}))
    assert (request.duration, request.external_id) == (900, "external")


def test_the_operator_reads_each_change_once_and_the_world_only_a_word(
    probe: Probe, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sts_server"):
        for key in (None, None, REFUSED, REFUSED, AWAY, None, AWAY, AWAY, None):
            cloud.key = key
            asyncio.run(probe.once())
    assert [(it.levelname, it.message) for it in caplog.records] == [
        ("ERROR", "not ready: key refused: UpstreamRefused: NoPermission: trust it"),
        ("ERROR", "not ready: key refused: UpstreamUnavailable: nobody listens there"),
        ("INFO", "ready"),
        ("WARNING", "ready, but the probe failed: UpstreamUnavailable: nobody listens there"),
        ("INFO", "ready"),
    ]
    assert "NoPermission" not in str(probe.verdict)
