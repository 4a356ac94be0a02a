"""Leases as programs with other SDKs have them: their token is in a file, so they can be pickled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import sts_client
from sts_client import TokenFile
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server, vending_server


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox of this test's own: what it counts and lets expire is nobody else's."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def own_server(own_sandbox: Sandbox, tmp_path: Path) -> Iterator[Server]:
    with vending_server(own_sandbox, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(KEYS["alice"])
    return path


@pytest.fixture
def leases(shared: Server, token_file: Path) -> sts_client.Provider:
    token = TokenFile(token_file)
    return sts_client.leases_from(shared.url, grant="everything", token=token)


@pytest.fixture
def own_leases(own_server: Server, token_file: Path) -> sts_client.Provider:
    token = TokenFile(token_file)
    return sts_client.leases_from(own_server.url, grant="everything", token=token)
