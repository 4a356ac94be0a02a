"""Fixtures of the server's tests."""

import pytest

from tests.sts_server.parts import ScriptedSts, SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sts(clock: SetClock) -> ScriptedSts:
    return ScriptedSts(clock)
