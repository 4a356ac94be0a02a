"""Leases as programs with other SDKs have them: their token is in a file, so they can be pickled."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sts_client
from sts_client import TokenFile
from sts_client.plugs.fsspec import OssStsFileSystem
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


@pytest.fixture
def options(shared: Server, token_file: Path) -> dict[str, Any]:
    """Storage options, as pandas and dask take them."""
    return {"server": shared.url, "grant": "everything", "token_file": str(token_file)}


@pytest.fixture
def files(options: dict[str, Any]) -> OssStsFileSystem:
    return OssStsFileSystem(**options)


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """A folder of this test's own, as a path of the file system."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    return f"examplebucket/users/alice/{digest}"
