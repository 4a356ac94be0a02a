"""Fixtures for anybody's pytest: a local STS and OSS. Imports nothing of ours until one is used."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sts_server.sandbox import Sandbox


@pytest.fixture(scope="session")
def oss_sandbox_options() -> dict[str, Any]:
    """Override this to choose how `oss_sandbox` is made: the arguments of `Sandbox`."""
    return {}


@pytest.fixture(scope="session")
def oss_sandbox(oss_sandbox_options: dict[str, Any]) -> "Iterator[Sandbox]":
    """One running sandbox for the whole session (for each worker, with pytest-xdist)."""
    from sts_server.sandbox import Sandbox  # noqa: PLC0415 - only when a test asks for it

    with Sandbox(**oss_sandbox_options) as running:
        yield running


@pytest.fixture
def clean_oss_sandbox(oss_sandbox: "Sandbox") -> "Sandbox":
    """The same one, begun anew: see `Sandbox.reset`."""
    oss_sandbox.reset()
    return oss_sandbox
