"""Reads a fresh lease, as every request does, beside alibabacloud-credentials; and asks 5,000 times at once.

Run by hand: `.venv/bin/python -m tests.bench.fresh`, or `make bench`.
"""

import asyncio
import json
import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import alibabacloud_credentials.provider as theirs

from sts_client import Credentials, Lease, Provider
from sts_server.cache.memory import MemoryCache
from sts_server.lease import Lease as Vended
from sts_server.lease import RoleRequest

READS = 200_000
AT_MOST = 0.5
ASKS, CALLERS = 5000, 50


class Given:
    """A source with one lease."""

    def fetch(self, *, refused: str | None = None) -> Lease:  # noqa: ARG002 - nobody refuses
        """Give it."""
        now = time.time()
        keys = Credentials("STS.N", "s" * 44, "t" * 800)
        return Lease(keys, "b", "r", "https://e", "path", "", ("get",), now, None, now + 3600)


def microseconds(call: Callable[[], object]) -> float:
    """Give the time of one call, the best of five rounds."""
    call()
    return min(timeit.repeat(call, number=READS, repeat=5)) / READS * 1e6


@contextmanager
def answering() -> Iterator[str]:
    """Serve the credentials URI that the official reader reads once."""
    end = datetime.now(UTC) + timedelta(hours=1)
    keys = {"AccessKeyId": "STS.N", "AccessKeySecret": "s", "SecurityToken": "t"}
    body = json.dumps({"Code": "Success", "Expiration": f"{end:%Y-%m-%dT%H:%M:%SZ}", **keys})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def storm() -> tuple[int, float]:
    """Let many ask at once; give the calls that STS got, and the seconds it took."""
    calls = 0

    async def assume_role(_: RoleRequest) -> Vended:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.05)
        now = int(time.time())
        return Vended("STS.N", "s", "t", now, now + 3600, "R")

    cache = MemoryCache(assume_role)
    started = time.perf_counter()
    held = await asyncio.gather(
        *(
            cache.lease(f"caller-{number % CALLERS}", RoleRequest("arn", "name", "{}", 3600))
            for number in range(ASKS)
        )
    )
    if len(held) != ASKS:
        raise RuntimeError("somebody got nothing")
    return calls, time.perf_counter() - started


def main() -> int:
    """Print the table; 1 if a figure is not what was promised."""
    provider = Provider(Given())
    with answering() as uri:
        official = microseconds(theirs.URLCredentialsProvider(uri=uri).get_credentials)
    ours = microseconds(provider.lease)
    print(f"Provider, fresh                       {ours:6.2f} us   under {AT_MOST}")
    print(f"alibabacloud-credentials, fresh       {official:6.2f} us")
    calls, seconds = asyncio.run(storm())
    print(
        f"{ASKS} asks at once by {CALLERS} callers      {calls:6} AssumeRole calls in {seconds:.2f} s"
    )
    return int(ours >= AT_MOST or calls != CALLERS)


if __name__ == "__main__":
    sys.exit(main())
