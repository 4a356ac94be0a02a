"""The end of a server while STS hangs: nobody is left without an answer, and none without its line."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS, vending_server


def test_every_ask_has_an_answer_and_a_line(sandbox: Sandbox, tmp_path: Path) -> None:
    """A call under way, an ask in the queue before STS, and asks behind their own caller's."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as silent,
        ThreadPoolExecutor(12) as threads,
    ):
        text = CONFIG.replace(
            '{sandbox.sts_endpoint}"',
            f'http://127.0.0.1:{silent.getsockname()[1]}"\nmax_calls = 1',
        )
        with vending_server(sandbox, tmp_path, text) as server:

            def ask(caller: str, number: int) -> tuple[int, str]:
                answer = requests.get(
                    f"{server.url}/v1/credentials/uploads?prefix=users/{caller}/{number}/",
                    headers={"Authorization": f"Bearer {KEYS[caller]}"},
                    timeout=30,
                )
                return answer.status_code, answer.json()["Code"]

            asks = [threads.submit(ask, who, number) for who in KEYS for number in range(6)]
            under_way, _ = silent.accept()
            time.sleep(0.5)  # the others stand in their lines
            server.process.send_signal(signal.SIGTERM)
            answers = [ask.result() for ask in asks]
            assert server.process.wait(timeout=30) == 0
            under_way.close()
            assert set(answers) == {(503, "UpstreamUnavailable"), (503, "UpstreamThrottled")}
            assert sorted(line["code"] for line in server.audit()) == sorted(
                code for _, code in answers
            )
