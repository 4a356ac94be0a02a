"""alibabacloud-credentials with leases: for threads, for coroutines, and inside another SDK."""

import asyncio
import pickle
import threading
from typing import Any

import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials_api import ICredentialsProvider
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from sts_client import Lease, Provider, leases_from
from sts_client.errors import GrantDenied
from sts_client.plugs.credentials import LeaseProvider
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server


class Slow:
    """A source of leases that takes its time."""

    def __init__(self, leases: Provider) -> None:
        self._leases = leases
        self.fetches = 0

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return a lease, later."""
        self.fetches += 1
        threading.Event().wait(1.0)
        return self._leases.refused(refused) if refused else self._leases.lease()


def test_its_client_takes_it(leases: Provider) -> None:
    plug = LeaseProvider(leases)
    assert isinstance(plug, ICredentialsProvider)
    ours = leases.credentials()
    client = Client(provider=plug)
    for model in (client.get_credential(), asyncio.run(client.get_credential_async())):
        assert (model.access_key_id, model.access_key_secret, model.security_token) == (
            ours.access_key_id,
            ours.access_key_secret,
            ours.security_token,
        )
        assert (model.type, model.provider_name) == ("sts_client", "sts_client")
    assert ours.access_key_secret not in f"{plug!r} {plug.get_credentials()!r}"


def test_another_sdk_uses_it(leases: Provider, sandbox: Sandbox) -> None:
    config = Config(
        credential=Client(provider=LeaseProvider(leases)),
        endpoint=sandbox.sts_endpoint.removeprefix("http://"),
        protocol="http",
        region_id=sandbox.region,
    )
    body = StsClient(config).get_caller_identity().body
    assert "oss" in body.arn.lower()


def test_twenty_coroutines_are_one_fetch_and_the_loop_goes_on(leases: Provider) -> None:
    source = Slow(leases)
    plug = LeaseProvider(Provider(source))

    async def work() -> tuple[float, list[Any]]:
        loop, longest, left = asyncio.get_running_loop(), 0.0, 10
        tasks = [asyncio.create_task(plug.get_credentials_async()) for _ in range(20)]
        while not all(task.done() for task in tasks):
            before = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - before)
            if left:
                # That some give up is no concern of the others.
                left -= 1
                tasks[left].cancel()
        return longest, await asyncio.gather(*tasks, return_exceptions=True)

    longest, found = asyncio.run(work())
    assert longest < 0.3
    assert source.fetches == 1
    assert [isinstance(each, asyncio.CancelledError) for each in found] == [True] * 10 + [
        False
    ] * 10
    assert len({each.get_access_key_id() for each in found[10:]}) == 1


def test_our_errors_reach_the_user(shared: Server) -> None:
    plug = LeaseProvider(leases_from(shared.url, grant="nothing", token=KEYS["alice"]))
    client = Client(provider=plug)
    with pytest.raises(GrantDenied):
        client.get_credential()
    with pytest.raises(GrantDenied):
        asyncio.run(client.get_credential_async())


def test_what_is_reported_as_refused_is_replaced(
    own_leases: Provider, own_sandbox: Sandbox
) -> None:
    client = Client(provider=LeaseProvider(own_leases))
    first = client.get_credential().access_key_id
    own_sandbox.expire()
    assert client.get_credential().access_key_id == first  # nobody has told it
    own_leases.refused(first)
    assert client.get_credential().access_key_id != first


def test_it_is_pickled_without_secrets(leases: Provider) -> None:
    secret = leases.credentials().access_key_secret
    pickled = pickle.dumps(LeaseProvider(leases))
    assert secret.encode() not in pickled
    assert KEYS["alice"].encode() not in pickled
    again = pickle.loads(pickled)  # noqa: S301 - it was made here
    assert again.get_credentials().get_access_key_id().startswith("STS.")
