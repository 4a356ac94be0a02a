"""Seldom: one line a minute for each kind, and none is forgotten."""

import logging

import pytest

from sts_server.http.seldom import Seldom


def test_a_flood_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    seldom = Seldom(logging.getLogger("test"), stopwatch=lambda: now)
    for second in range(0, 61, 10):
        now = second
        seldom.warn("%s asks too often", f"10.0.0.{second}")
        seldom.warn("other")
    assert [record.getMessage() for record in caplog.records] == [
        "10.0.0.0 asks too often",
        "other",
        "10.0.0.60 asks too often (and 5 times before)",
        "other (and 5 times before)",
    ]
