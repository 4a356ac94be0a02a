"""alibabacloud-oss-v2 with leases, its client for threads and its client for asyncio."""

import asyncio
import gc
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import alibabacloud_oss_v2 as oss
import alibabacloud_oss_v2.aio as oss_aio
import pytest
from alibabacloud_oss_v2.exceptions import CredentialsFetchError, OperationError
from alibabacloud_oss_v2.transport import RequestsHttpClient

from sts_client import Lease, Provider, leases_from
from sts_client.errors import GrantDenied, NoLeaseYet
from sts_client.plugs.oss_v2 import LeaseProvider, LeaseRetryer, LoopLeaseProvider
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server

WHERE = {"bucket": "examplebucket", "key": "users/alice/plugged"}
SLOW = 1.0
"""Seconds that a slow source takes."""


class Slow:
    """A source of leases that takes its time."""

    def __init__(self, leases: Provider, seconds: float = SLOW) -> None:
        self._leases = leases
        self._seconds = seconds
        self.fetches = 0

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a lease, later."""
        self.fetches += 1
        threading.Event().wait(self._seconds)
        return self._leases.refused(refused) if refused else self._leases.lease()


def config_of(sandbox: Sandbox, plug: Any, *, retryer: bool = True) -> Any:
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = plug
    if retryer:
        config.retryer = LeaseRetryer(plug)
    return config


@pytest.fixture
def client(own_leases: Provider, own_sandbox: Sandbox) -> Iterator[oss.Client]:
    config = config_of(own_sandbox, LeaseProvider(own_leases))
    with RequestsHttpClient() as config.http_client:
        yield oss.Client(config)
    gc.collect()


def put(client: oss.Client, body: Any = b"hello") -> Any:
    return client.put_object(oss.PutObjectRequest(**WHERE, body=body))


def get(client: oss.Client) -> Any:
    return client.get_object(oss.GetObjectRequest(**WHERE))


def code_of(error: OperationError) -> str:
    inner: Any = error.unwrap()
    return str(inner.code)


pytestmark = [
    # The SDK leaves some responses, and so their sockets, to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("swept"),
]


def test_a_lease_that_ends_early_is_replaced_and_the_request_sent_again(
    client: oss.Client, own_sandbox: Sandbox, own_server: Server
) -> None:
    assert put(client).status_code == 200
    own_sandbox.expire()
    assert put(client, b"again").status_code == 200
    assert get(client).body.content == b"again"
    assert len(own_server.audit()) == 2
    assert own_server.audit()[1]["refused"]


def test_without_the_retryer_the_requests_fail(own_leases: Provider, own_sandbox: Sandbox) -> None:
    config = config_of(own_sandbox, LeaseProvider(own_leases), retryer=False)
    with RequestsHttpClient() as config.http_client:
        client = oss.Client(config)
        put(client)
        own_sandbox.expire()
        for _ in range(2):
            with pytest.raises(OperationError) as caught:
                get(client)
            assert code_of(caught.value) == "SecurityTokenExpired"


def test_other_errors_are_the_sdks_matter(client: oss.Client, own_sandbox: Sandbox) -> None:
    with pytest.raises(OperationError) as caught:
        get(client)
    assert code_of(caught.value) == "NoSuchKey"
    put(client)
    own_sandbox.fault(operation="GetObject", nth=1, status=500, code="InternalError")
    assert get(client).body.content == b"hello"


def test_a_lease_that_is_over_for_good_is_said_once(
    client: oss.Client, own_sandbox: Sandbox
) -> None:
    own_sandbox.fault(operation="GetObject", status=403, code="InvalidAccessKeyId")
    before = len(own_sandbox.requests())
    with pytest.raises(OperationError) as caught:
        get(client)
    assert code_of(caught.value) == "InvalidAccessKeyId"
    assert len(own_sandbox.requests()) - before < 8


def test_a_caller_who_may_not_is_told_why_and_asks_once(
    own_server: Server, own_sandbox: Sandbox
) -> None:
    leases = leases_from(own_server.url, grant="nothing", token=KEYS["alice"])
    config = config_of(own_sandbox, LeaseProvider(leases))
    with RequestsHttpClient() as config.http_client, pytest.raises(OperationError) as caught:
        get(oss.Client(config))
    assert isinstance(caught.value.unwrap(), CredentialsFetchError)
    assert "does not give this caller that grant" in str(caught.value)
    assert len(own_server.audit()) == 1


def test_twenty_threads_are_one_fetch(client: oss.Client, own_server: Server) -> None:
    threads = [threading.Thread(target=put, args=(client,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(client).body.content == b"hello"
    assert len(own_server.audit()) == 1


@pytest.mark.parametrize("kind", [LeaseProvider, LoopLeaseProvider])
def test_what_the_sdk_gets(leases: Provider, kind: Callable[[Provider], Any]) -> None:
    lease = leases.lease()
    plug = pickle.loads(pickle.dumps(kind(leases)))  # noqa: S301 - it was made here
    asyncio.run(plug.warm()) if kind is LoopLeaseProvider else None
    given = plug.get_credentials()
    assert given is not plug.get_credentials()
    assert abs(given.expiration.timestamp() - lease.expiry) < 5
    assert given.expiration.tzinfo is UTC
    assert given.expiration > datetime.now(UTC)
    for secret in (given.access_key_secret, given.security_token, KEYS["alice"]):
        assert secret not in f"{plug!r} {given!r}"


# asyncio.


async def longest_pause(done: asyncio.Event) -> float:
    """Return how long the loop did nothing else, at the most."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while not done.is_set():
        before = loop.time()
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - before)
    return longest


async def read_many(config: Any, prepare: Callable[[], Any]) -> float:
    """Put one object and read it twenty times at once; return the loop's longest pause."""
    done = asyncio.Event()
    watch = asyncio.create_task(longest_pause(done))
    await asyncio.sleep(0.02)  # it watches from now on
    async with oss_aio.AsyncClient(config) as client:
        await prepare()
        await client.put_object(oss.PutObjectRequest(**WHERE, body=b"hello"))
        request = oss.GetObjectRequest(**WHERE)
        found = await asyncio.gather(*(client.get_object(request) for _ in range(20)))
    done.set()
    assert [each.body.content for each in found] == [b"hello"] * 20
    return await watch


async def nothing() -> None:
    pass


def test_the_loop_is_never_held_up(own_leases: Provider, own_sandbox: Sandbox) -> None:
    source = Slow(own_leases)
    plug = LoopLeaseProvider(Provider(source))
    assert asyncio.run(read_many(config_of(own_sandbox, plug), plug.warm)) < SLOW / 3
    assert source.fetches == 1


def test_the_provider_for_threads_would_hold_it_up(
    own_leases: Provider, own_sandbox: Sandbox
) -> None:
    plug = LeaseProvider(Provider(Slow(own_leases)))
    assert asyncio.run(read_many(config_of(own_sandbox, plug), nothing)) > SLOW * 0.9


def test_a_stale_lease_is_renewed_behind(own_leases: Provider, own_sandbox: Sandbox) -> None:
    source, ahead = Slow(own_leases), [0.0]

    def now() -> float:
        return datetime.now(UTC).timestamp() + ahead[0]

    plug = LoopLeaseProvider(Provider(source, clock=now))
    config = config_of(own_sandbox, plug)

    async def become_stale() -> None:
        await plug.warm()
        ahead[0] = 2400.0  # of 3600 seconds

    assert asyncio.run(read_many(config, become_stale)) < SLOW / 3
    assert source.fetches == 2


def test_a_lease_that_ends_early_is_replaced_behind(
    own_leases: Provider, own_sandbox: Sandbox, own_server: Server
) -> None:
    plug = LoopLeaseProvider(own_leases)

    async def work() -> None:
        async with oss_aio.AsyncClient(config_of(own_sandbox, plug)) as client:
            await plug.warm()
            await client.put_object(oss.PutObjectRequest(**WHERE, body=b"hello"))
            own_sandbox.expire()
            got = await client.get_object(oss.GetObjectRequest(**WHERE))
            assert got.body.content == b"hello"

    asyncio.run(work())
    assert len(own_server.audit()) == 2


def test_whoever_did_not_warm_up_is_tried_again_or_told(
    own_leases: Provider, own_sandbox: Sandbox
) -> None:
    async def read(seconds: float) -> Any:
        plug = LoopLeaseProvider(Provider(Slow(own_leases, seconds)))
        async with oss_aio.AsyncClient(config_of(own_sandbox, plug)) as client:
            return await client.put_object(oss.PutObjectRequest(**WHERE, body=b"hello"))

    assert asyncio.run(read(0.1)).status_code == 200
    with pytest.raises(OperationError) as caught:
        asyncio.run(read(2.0))
    assert "await warm()" in str(caught.value)
    error: Any = caught.value.unwrap()
    assert isinstance(error.kwargs["error"], NoLeaseYet)


def test_a_loop_is_told_why_there_is_none(own_server: Server) -> None:
    plug = LoopLeaseProvider(leases_from(own_server.url, grant="nothing", token=KEYS["alice"]))
    with pytest.raises(NoLeaseYet):
        plug.get_credentials()
    pause = threading.Event()
    for _ in range(1000):
        try:
            plug.get_credentials()
        except NoLeaseYet:
            pause.wait(0.01)
        except GrantDenied:
            break
    else:
        raise AssertionError("nobody said why")
    with pytest.raises(GrantDenied):
        asyncio.run(plug.warm())
