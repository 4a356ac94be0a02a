"""Fixtures of the mirrors' tests: a bucket with all rights, and a folder that is not there yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sts_client import Bucket
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import opened


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    sandbox.reset()
    with opened(sandbox) as bucket:
        yield bucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "mirror"
