"""`sts-server serve`: runs the server, with a sandbox if asked."""

import argparse
import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from sts_server import logs
from sts_server.access_key import ID_NAME, SECRET_NAME
from sts_server.app import App
from sts_server.beside import Beside
from sts_server.callers.api_keys import digest, new_key
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE, Failed
from sts_server.cli.files import read
from sts_server.cli.reload import reloading
from sts_server.config import parse
from sts_server.errors import ConfigError
from sts_server.http.exposition import PATH as METRICS_PATH
from sts_server.http.exposition import exposition
from sts_server.lines import Lines
from sts_server.metrics import Metrics
from sts_server.sandbox import Sandbox
from sts_server.serving import Reload, address_of, open_listener, serve, server_config
from sts_server.settings.server import ServerTable
from sts_server.shapes import is_loopback, listen_address

_STDOUT = 1  # its file descriptor
_READERS = 30  # connections for metrics: three for each address

_SANDBOX = """
[server]
listen = "{listen}"
metrics_listen = "127.0.0.1:0"
[oss]
bucket = "{sandbox.bucket}"
region = "{sandbox.region}"
endpoint = "{sandbox.endpoint}"
[sts]
role_arn = "{sandbox.role_arn}"
endpoint = "{sandbox.sts_endpoint}"
[[callers.api_key]]
id = "alice"
sha256 = ["{sha256}"]
[[grants]]
name = "uploads"
prefix = "users/{{caller}}/"
actions = ["get", "put", "list"]
who = {{ callers = ["*"] }}
"""


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("serve", help="run the server until Ctrl-C or SIGTERM")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, metavar="FILE", help="the configuration, TOML")
    source.add_argument(
        "--sandbox",
        action="store_true",
        help="need no cloud: start a local STS and OSS too, and make a throwaway key",
    )
    parser.add_argument(
        "--listen", type=_address, metavar="HOST:PORT", help="instead of server.listen"
    )
    parser.add_argument(
        "--insecure-dev",
        action="store_true",
        help="for development: everybody on this machine is the caller dev, without a proof",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run until a signal ends it; raises ConfigError, Failed, SandboxError."""
    if not options.sandbox:
        settings = parse(read(options.config), environ, insecure_dev=options.insecure_dev)
        server = settings.tables.server
        logs.set_up(server.log_format, server.log_level)
        if options.listen is not None:
            server = server.model_copy(update={"listen": options.listen})
        if settings.insecure_dev:
            _warn(server.listen)
        application = App(settings)
        reload = reloading(application, options.config, environ, settings)
        return _run(application, server, reload)
    if options.insecure_dev:
        raise ConfigError(["--insecure-dev goes with --config; --sandbox makes a key"])
    with Sandbox() as sandbox:
        key = new_key()
        listen = options.listen or "127.0.0.1:8000"
        text = _SANDBOX.format(sandbox=sandbox, sha256=digest(key), listen=listen)
        own_key = {ID_NAME: sandbox.access_key_id, SECRET_NAME: sandbox.access_key_secret}
        settings = parse(text, own_key)
        try_it = (
            "Try it: printf examplecontent | OSS_STS_SERVER={url} OSS_STS_GRANT=uploads "
            f"OSS_STS_TOKEN={key} sts-client put - "
            f"oss://{sandbox.bucket}/users/alice/exampledir/exampleobject.txt"
        )
        return _run(App(settings), settings.tables.server, then=try_it)


def _warn(listen: str) -> None:
    """Say loudly what --insecure-dev does; raises ConfigError where others could reach it."""
    if not is_loopback(listen.rpartition(":")[0].strip("[]")):
        raise ConfigError([f"--insecure-dev: {listen} is not on loopback; listen on 127.0.0.1"])
    print(
        "sts-server: INSECURE: --insecure-dev gives keys to whoever asks on this machine, "
        "as the caller dev",
        file=sys.stderr,
        flush=True,
    )


def _run(
    application: App, server: ServerTable, reload: Reload | None = None, *, then: str = ""
) -> int:
    listen, metrics_listen = server.listen, server.metrics_listen
    with contextlib.ExitStack() as listeners:
        listener = listeners.enter_context(_open(listen))
        url = address_of(listen, listener)
        told = {"url": url}
        beside: Beside | None = None
        if metrics_listen != "off":
            beside = _showing(application.metrics, metrics_listen)
            listeners.enter_context(beside.listener)
            told["metrics_url"] = address_of(metrics_listen, beside.listener) + METRICS_PATH
        lines = [json.dumps(told), *([then.format(url=url)] if then else [])]

        def ready() -> None:
            # Whoever does not read this still gets a server.
            with contextlib.suppress(OSError):
                Lines(_STDOUT).write("\n".join(lines))

        serve(application, listener, ready, server, reload, beside)
    return DONE


def _showing(metrics: Metrics, listen: str) -> Beside:
    """Show metrics on a listener of their own."""
    listener = _open(listen, "server.metrics_listen: ")
    loopback = is_loopback(listener.getsockname()[0])
    application = exposition(metrics.registry, only_loopback=loopback)
    return Beside(server_config(application, ServerTable(max_connections=_READERS)), listener)


def _open(listen: str, setting: str = "") -> socket.socket:
    try:
        return open_listener(listen)
    except socket.gaierror:
        raise Failed(f"{setting}cannot listen on {listen}: no such address") from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Failed(f"{setting}cannot listen on {listen}: {why}") from None


def _address(text: str) -> str:
    try:
        return listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
