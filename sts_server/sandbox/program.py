"""The program: puts all parts together, serves, and ends cleanly."""

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from sts_server.sandbox.accounts import Accounts, Role, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.controls import Controls
from sts_server.sandbox.door import Door
from sts_server.sandbox.listener import Listener, open_sockets
from sts_server.sandbox.oss.service import OssService
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.settings import Settings
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.sts.service import StsService

STDIN = 0
READ_BYTES = 4096


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until a signal, or the end of standard input, says stop.

    Args:
        settings: What the sandbox is made of.
        announce: Takes the ready line: one JSON object.

    Raises:
        SettingError: A port is in use, or the data folder is.
    """
    logging.basicConfig(format="sandbox: %(message)s", level=logging.WARNING)
    with ExitStack() as stack:
        data = settings.data
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
        public = open_sockets(settings.host, settings.port)
        control = open_sockets("127.0.0.1", 0)
        for opened in (*public, *control):
            stack.callback(opened.close)
        clock, log, token = Clock(), RequestLog(), secrets.token_urlsafe(32)
        accounts = _accounts(settings, clock)
        store = Store(data, clock, durable=settings.data is not None)
        stack.callback(store.close)
        store.add_bucket(settings.bucket)
        oss = OssService(
            store, accounts, clock, log, region=settings.region, owner=settings.account
        )
        door = Door(oss, StsService(accounts, clock, log))
        control_port = control[0].getsockname()[1]
        controls = Controls(clock, accounts, log, token, control_port).app()
        ready = _ready_line(settings, public[0].getsockname()[1], control_port, token)
        asyncio.run(
            _run(
                [(Listener(door), public), (Listener(controls), control)],
                lambda: announce(ready),
                until_stdin_closes=settings.until_stdin_closes,
            )
        )


def _accounts(settings: Settings, clock: Clock) -> Accounts:
    """Make one user who may do everything, and one role that may do all in the bucket."""
    bucket = f"acs:oss:*:*:{settings.bucket}"
    root = f"acs:ram::{settings.account}:root"
    user = User(
        name="sandbox",
        account=settings.account,
        access_key_id=settings.access_key_id,
        access_key_secret=settings.access_key_secret,
        policies=(
            parse_policy(_allow("oss:*", Resource="*")),
            parse_policy(_allow("sts:AssumeRole", Resource=settings.role_arn)),
        ),
    )
    role = Role(
        name=settings.role_name,
        account=settings.account,
        trust=parse_trust_policy(_allow("sts:AssumeRole", Principal={"RAM": [root]})),
        policies=(parse_policy(_allow("oss:*", Resource=[bucket, f"{bucket}/*"])),),
    )
    return Accounts([user], [role], clock)


def _allow(action: str, **elements: object) -> str:
    statement = {"Effect": "Allow", "Action": action, **elements}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _ready_line(settings: Settings, port: int, control_port: int, token: str) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "localhost") else settings.host  # noqa: S104 - compared, not bound
    endpoint = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return json.dumps(
        {
            "endpoint": endpoint,
            "browser_endpoint": f"http://localhost:{port}",
            "sts_endpoint": endpoint,
            "control_endpoint": f"http://127.0.0.1:{control_port}",
            "control_token": token,
            "bucket": settings.bucket,
            "region": settings.region,
            "access_key_id": settings.access_key_id,
            "access_key_secret": settings.access_key_secret,
            "role_arn": settings.role_arn,
        }
    )


async def _run(
    listeners: list[tuple[Listener, list[socket.socket]]],
    ready: Callable[[], None],
    *,
    until_stdin_closes: bool,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        # A thread, since standard input may be a file, which no event loop can wait for.
        threading.Thread(target=_wait_for_stdin, args=(loop, stop), daemon=True).start()
    serving = [asyncio.create_task(one.serve(sockets)) for one, sockets in listeners]
    ready()
    await stop.wait()
    for one, _ in listeners:
        one.should_exit = True
    await asyncio.gather(*serving)


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # os.read, since a daemon thread inside sys.stdin would hold its lock when Python ends.
    with suppress(OSError):
        while os.read(STDIN, READ_BYTES):
            pass
    with suppress(RuntimeError):  # the loop has ended before
        loop.call_soon_threadsafe(stop.set)
