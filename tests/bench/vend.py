"""Vends a cached lease as often as can be, beside a bare Starlette route that returns the same bytes.

Run by hand: `.venv/bin/python tests/bench/vend.py`. Both are served by the same uvicorn settings, one
after the other and again, each asked over 8 kept connections from another process. The ratio counts.
"""

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
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
from tests.sts_server.callers.oidc.mint import AUDIENCE, ISSUER, jwk, jwks, token
from tests.sts_server.parts import ALICE_KEY, CONFIG, ENVIRON

CONNECTIONS = 8
SECONDS = 3.0
ROUNDS = 3
AT_LEAST = {"API key": 0.70, "JWT": 0.60}

OIDC = """
[[callers.oidc]]
issuer = "{issuer}"
audience = ["{audience}"]
id_prefix = "login:"
jwks_file = "{file}"
"""


async def assume_role(_: RoleRequest) -> Lease:
    """Give a lease of the usual size; asked once."""
    now = int(time.time())
    return Lease("STS." + "N" * 24, "s" * 44, "t" * 800, now, now + 3600, "R" * 36)


def bare(body: bytes) -> ASGIApp:
    """Make an application that knows nothing but these bytes."""

    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/v1/credentials/{grant}", answer)])


@dataclass(frozen=True, order=True)
class Speed:
    """Requests a second, and for each second of the server's processor."""

    a_second: float
    a_processor_second: float


def measure(application: ASGIApp, bearer: str) -> Speed:
    """Serve an application in a process of its own and ask as often as can be."""
    request = (
        "GET /v1/credentials/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {bearer}\r\n\r\n"
    ).encode()
    listener = open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application))
    process = multiprocessing.get_context("fork").Process(
        target=lambda: asyncio.run(server.serve(sockets=[listener]))
    )
    before = _processor_seconds()
    process.start()
    try:
        count = asyncio.run(_ask(listener.getsockname()[1], request))
    finally:
        process.terminate()
        process.join()
        listener.close()
    return Speed(count / SECONDS, count / (_processor_seconds() - before))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _ask(port: int, request: bytes) -> int:
    end = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_connection(port, end, request) for _ in range(CONNECTIONS)))
    return sum(counts)


async def _connection(port: int, end: float, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < end:
        writer.write(request)
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
    """Print the figures and their ratios; 1 if one is under what was promised."""
    with tempfile.TemporaryDirectory() as folder:
        audit, keys = Path(folder) / "audit.jsonl", Path(folder) / "keys.json"
        keys.write_text(jwks(jwk()))
        oidc = OIDC.format(issuer=ISSUER, audience=AUDIENCE, file=keys)
        # Counted as everybody is, and never refused.
        server = f'[server]\naudit = "{audit}"\nrequests_per_caller = 10_000_000'
        settings = parse(f"{server}\n{CONFIG}{oidc}", ENVIRON)
        vending = App(settings, assume_role=assume_role)
        body = _one_body(App(settings, assume_role=assume_role))
        # With as many claims as an issuer's usual one.
        usual = token(iat=None, exp=int(time.time()) + 3600, roles=["r" * 20] * 20)
        return max(
            [_compare("API key", ALICE_KEY, vending, body), _compare("JWT", usual, vending, body)]
        )


def _compare(proof: str, bearer: str, vending: ASGIApp, body: bytes) -> int:
    ours, theirs = Speed(0, 0), Speed(0, 0)
    for _ in range(ROUNDS):
        theirs = max(theirs, measure(bare(body), bearer))
        ours = max(ours, measure(vending, bearer))
    ratio = ours.a_second / theirs.a_second
    processor = ours.a_processor_second / theirs.a_processor_second
    print(f"vend a cached lease, {proof:9} {ours.a_second:8.0f} requests/s")
    print(f"bare route, the same bytes     {theirs.a_second:8.0f} requests/s")
    print(f"ratio                          {ratio:8.2f}   at least {AT_LEAST[proof]}")
    # Not moved by what else this machine does meanwhile.
    print(f"ratio, by processor time       {processor:8.2f}")
    return 0 if ratio >= AT_LEAST[proof] else 1


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
