"""One sandbox and one vending server for all integration tests, and leases on `users/alice/`."""

import gc
from collections.abc import Iterator

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import Server, lease_by_hand, vending_server


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def shared(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The vending server in front of the common sandbox."""
    with vending_server(sandbox, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def lease(shared: Server) -> dict[str, str]:
    """A vended lease to get, put, list and delete, as its readers see it. Let it live."""
    return shared.lease(grant="everything")


@pytest.fixture
def own_lease(sandbox: Sandbox) -> dict[str, str]:
    """The same made by hand, for tests that let it expire."""
    return lease_by_hand(sandbox)


@pytest.fixture
def swept() -> Iterator[None]:
    """Sweep up what an SDK leaves to the garbage collector here, not in somebody else's test."""
    yield
    gc.collect()
