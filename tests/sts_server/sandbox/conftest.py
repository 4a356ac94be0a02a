"""Houses: one OSS in memory for each test that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sts_server.sandbox.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.store.close()
