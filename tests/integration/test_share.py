"""A caller whose asks hang at STS leaves room for another: half of sts.max_calls is what one may fill."""

import time
from contextlib import ExitStack
from pathlib import Path

from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, vending_server
from tests.integration.test_shutdown import answered, ask, connect

HANGS = 1.5  # seconds


def test_a_caller_who_fills_their_share_leaves_room_for_another(tmp_path: Path) -> None:
    config = CONFIG.replace("[sts]", "[sts]\nmax_calls = 2")
    with (
        Sandbox() as sandbox,
        vending_server(sandbox, tmp_path, config) as server,
        ExitStack() as opened,
    ):
        sandbox.fault(service="sts", latency=HANGS)
        for number in range(6):
            opened.enter_context(connect(server)).sendall(ask("alice", number))
        time.sleep(0.3)
        began = time.monotonic()
        bob = opened.enter_context(connect(server))
        bob.sendall(ask("bob", 0))
        answer = answered(bob)
        waited = time.monotonic() - began
        sandbox.clear_faults()
    assert answer.startswith(b"HTTP/1.1 200 ")
    # One call's time: he waited for none of hers.
    assert waited < 1.8 * HANGS
