"""The connection: whoever asks for keys to hand on waits for the next lease, if there is one."""

import argparse
import time
from itertools import count

import pytest

from sts_client.cli.connection import leases
from sts_client.cli.options import shared
from tests.sts_client.stage import BEARER, Asked, json_answer, lease_body, serving

ENVIRON = {"OSS_STS_GRANT": "uploads", "OSS_STS_TOKEN": BEARER}


def options(*argv: str) -> argparse.Namespace:
    return shared().parse_args(argv)


@pytest.mark.parametrize(("seconds", "key"), [(0, "STS.1"), (1700, "STS.1"), (1805, "STS.2")])
def test_a_stale_lease_is_not_handed_on_while_there_is_another(seconds: int, key: str) -> None:
    numbers = count(1)
    now = 0

    def vend(_: Asked) -> object:
        return lease_body(AccessKeyId=f"STS.{next(numbers)}")

    with serving(lambda asked: json_answer(vend(asked))) as stage:
        provider = leases(
            options("--server", stage.url), ENVIRON, at_once=True, clock=lambda: time.time() + now
        )
        assert provider.credentials().access_key_id == "STS.1"
        now = seconds
        assert provider.credentials().access_key_id == key


def test_an_old_lease_serves_while_the_server_is_away() -> None:
    now = 0
    with serving(lambda _: json_answer(lease_body(), 503 if now else 200)) as stage:
        provider = leases(
            options("--server", stage.url), ENVIRON, at_once=True, clock=lambda: time.time() + now
        )
        first = provider.lease()
        now = 1900
        assert provider.lease() is first
    assert len(stage.asked) == 2
