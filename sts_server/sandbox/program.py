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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sts_server.sandbox.accounts import Accounts, Role, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.config import Config, account_trust, parse
from sts_server.sandbox.controls import Controls
from sts_server.sandbox.door import Door
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.faults.book import Book
from sts_server.sandbox.faults.gate import Gate
from sts_server.sandbox.jwks import MAX_JWKS_BYTES
from sts_server.sandbox.listener import Listener, open_sockets
from sts_server.sandbox.oss.addressing import Names
from sts_server.sandbox.oss.service import OssService
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.settings import Settings
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.store import Store
from sts_server.sandbox.sts.service import StsService
from sts_server.sandbox.switchboard import Switchboard
from sts_server.sandbox.tls import make_certificate, names_of
from sts_server.sandbox.vault import Vault

USER_NAME = "sandbox"
MAX_CONFIG_BYTES = 1024**2
STDIN = 0
SIGNALS = (signal.SIGINT, signal.SIGTERM)
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
        stack.enter_context(signals_wait())
        data = settings.data
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
        public = open_sockets(settings.host, settings.port)
        control = open_sockets("127.0.0.1", 0)
        https = [] if settings.tls_port is None else open_sockets(settings.host, settings.tls_port)
        for opened in (*public, *control, *https):
            stack.callback(opened.close)
        vault = _vault(settings, stack)
        log, token = RequestLog(), secrets.token_urlsafe(32)
        clock = Clock() if vault is None else Clock(offset=vault.offset(), keep=vault.save_offset)
        config = _config(settings, clock)
        store = Store(data, clock, durable=settings.data is not None)
        stack.callback(store.close)
        accounts = _accounts(settings, config, clock, vault)
        buckets = (Bucket(settings.bucket, store.timestamp()), *config.buckets)
        for bucket in buckets:
            store.add(bucket)
        oss = OssService(
            store,
            accounts,
            clock,
            log,
            region=settings.region,
            owner=settings.account,
            domain=settings.domain,
            cname=settings.bucket,
        )
        faults = Book()
        names = Names(settings.domain, settings.region, settings.bucket)
        gate = Gate(faults, clock, log, names, cors=oss.cors_headers)
        sts = StsService(accounts, clock, log, config.providers)
        door = Door(gate.oss(oss), gate.sts(sts), settings.domain)
        control_port = control[0].getsockname()[1]
        switchboard = Switchboard(clock, accounts, log, store, faults, buckets)
        controls = Controls(switchboard, token, control_port).app()
        ready = _ready(settings, public[0].getsockname()[1], control_port, token)
        listeners = [(Listener(door), public), (Listener(controls), control)]
        if https:
            hosts = names_of(settings.bucket, settings.domain, settings.region, settings.host)
            context, ca_file = make_certificate(hosts, data)
            listeners.append((Listener(door, context), https))
            ready |= {
                "tls_endpoint": _url("https", settings.host, https[0].getsockname()[1]),
                "ca_file": str(ca_file),
            }
        asyncio.run(
            _run(
                listeners,
                lambda: announce(json.dumps(ready)),
                until_stdin_closes=settings.until_stdin_closes,
            )
        )


def _config(settings: Settings, clock: Clock) -> Config:
    """Read the configuration file, if there is one."""
    path = settings.config
    if path is None:
        return Config()

    def read(name: str) -> str:
        return _read(path.parent / name, MAX_JWKS_BYTES)

    try:
        text = _read(path, MAX_CONFIG_BYTES)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None
    try:
        return parse(text, settings, user_name=USER_NAME, now=clock.now(), read=read)
    except SettingError as error:
        lines = "\n".join(f"  {line}" for line in str(error).splitlines())
        raise SettingError(f"{path}:\n{lines}") from None


def _read(path: Path, limit: int) -> str:
    """Read a text of a bounded size, and say what is wrong without saying where."""
    try:
        with path.open("rb") as file:
            text = file.read(limit + 1)
        if len(text) > limit:
            raise SettingError(f"is larger than {limit} bytes")
        return text.decode()
    except OSError as error:
        raise SettingError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError("is not UTF-8") from None
    except ValueError:
        raise SettingError("cannot be read: its name is none") from None


def _vault(settings: Settings, stack: ExitStack) -> Vault | None:
    if settings.data is None:
        return None
    with suppress(OSError):  # the store says why
        settings.data.mkdir(parents=True, exist_ok=True)
    vault = Vault(settings.data / "secrets")
    stack.callback(vault.close)
    return vault


def _accounts(settings: Settings, config: Config, clock: Clock, vault: Vault | None) -> Accounts:
    """Make one user who may do everything, one role that may do all in the bucket, and the rest."""
    bucket = f"acs:oss:*:*:{settings.bucket}"
    user = User(
        name=USER_NAME,
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
        trust=parse_trust_policy(account_trust(settings.account)),
        policies=(parse_policy(_allow("oss:*", Resource=[bucket, f"{bucket}/*"])),),
    )
    return Accounts([user, *config.users], [role, *config.roles], clock, vault=vault)


def _allow(action: str, **elements: object) -> str:
    statement = {"Effect": "Allow", "Action": action, **elements}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _ready(settings: Settings, port: int, control_port: int, token: str) -> dict[str, str]:
    endpoint = _url("http", settings.host, port)
    return {
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


def _url(scheme: str, host: str, port: int) -> str:
    host = "127.0.0.1" if host in ("0.0.0.0", "localhost") else host  # noqa: S104 - compared, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _run(
    listeners: list[tuple[Listener, list[socket.socket]]],
    ready: Callable[[], None],
    *,
    until_stdin_closes: bool,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if until_stdin_closes:
        # A thread, since standard input may be a file, which no event loop can wait for.
        threading.Thread(target=_wait_for_stdin, args=(loop, stop), daemon=True).start()
    serving = [asyncio.create_task(one.serve(sockets)) for one, sockets in listeners]
    ready()
    await stop.wait()
    for one, _ in listeners:
        one.should_exit = True
    await asyncio.gather(*serving)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let signals wait while parts are made and taken down.

    An interrupt between two threads that hand work to each other would leave both waiting.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # os.read, since a daemon thread inside sys.stdin would hold its lock when Python ends.
    with suppress(OSError):
        while os.read(STDIN, READ_BYTES):
            pass
    with suppress(RuntimeError):  # the loop has ended before
        loop.call_soon_threadsafe(stop.set)
