"""A house with the usual settings."""

from collections.abc import Iterator

import pytest

from tests.sts_server.http.house import House, running


@pytest.fixture
def house() -> Iterator[House]:
    with running() as usual:
        yield usual
