"""Vends a cached lease as often as can be, beside a bare Starlette route that returns the same bytes.

Run by hand: `.venv/bin/python tests/bench/vend.py`. Both are served by the same uvicorn settings, one
after the other and again, each asked over 8 kept connections from another process. The ratio counts.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sts_server.app import App
from sts_server.config import parse
from sts_server.lease import Lease, RoleRequest
from sts_server.serving import open_listener, server_config
from tests.sts_server.parts import ALICE_KEY, CONFIG, ENVIRON

CONNECTIONS = 8
SECONDS = 3.0
ROUNDS = 3
AT_LEAST = 0.70

REQUEST = (
    b"GET /v1/credentials/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Authorization: Bearer " + ALICE_KEY.encode() + b"\r\n\r\n"
)


async def assume_role(_: RoleRequest) -> Lease:
    """Give a lease of the usual size; asked once."""
    now = int(time.time())
    return Lease("STS." + "N" * 24, "s" * 44, "t" * 800, now, now + 3600, "R" * 36)


def bare(body: bytes) -> ASGIApp:
    """Make an application that knows nothing but these bytes."""

    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/v1/credentials/{grant}", answer)])


def requests_per_second(application: ASGIApp) -> float:
    """Serve an application in a process of its own and ask as often as can be."""
    listener = open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application))
    process = multiprocessing.get_context("fork").Process(
        target=lambda: asyncio.run(server.serve(sockets=[listener]))
    )
    process.start()
    try:
        return asyncio.run(_ask(listener.getsockname()[1]))
    finally:
        process.terminate()
        process.join()
        listener.close()


async def _ask(port: int) -> float:
    end = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_connection(port, end) for _ in range(CONNECTIONS)))
    return sum(counts) / SECONDS


async def _connection(port: int, end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < end:
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head)
        length = next(
            line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(int(length.split(b":")[1]))
        count += 1
    writer.close()
    return count


def main() -> int:
    """Print both figures and their ratio; 1 if it is under what was promised."""
    with tempfile.TemporaryDirectory() as folder:
        audit = Path(folder) / "audit.jsonl"
        settings = parse(f'[server]\naudit = "{audit}"\n{CONFIG}', ENVIRON)
        vending = App(settings, assume_role=assume_role)
        body = _one_body(App(settings, assume_role=assume_role))
        ours, theirs = 0.0, 0.0
        for _ in range(ROUNDS):
            theirs = max(theirs, requests_per_second(bare(body)))
            ours = max(ours, requests_per_second(vending))
    ratio = ours / theirs
    print(f"vend a cached lease, API key   {ours:8.0f} requests/s")
    print(f"bare route, the same bytes     {theirs:8.0f} requests/s")
    print(f"ratio                          {ratio:8.2f}   at least {AT_LEAST}")
    return 0 if ratio >= AT_LEAST else 1


def _one_body(application: ASGIApp) -> bytes:
    listener = open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application))
    process = multiprocessing.get_context("fork").Process(
        target=lambda: asyncio.run(server.serve(sockets=[listener]))
    )
    process.start()
    try:
        return requests.get(
            f"http://127.0.0.1:{listener.getsockname()[1]}/v1/credentials/uploads",
            headers={"Authorization": f"Bearer {ALICE_KEY}"},
            timeout=10,
        ).content
    finally:
        process.terminate()
        process.join()
        listener.close()


if __name__ == "__main__":
    sys.exit(main())
