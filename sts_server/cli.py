"""The command line: `sts-server serve | check | new-key`. Reads argv and the environment."""

import argparse
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from sts_server import app
from sts_server.callers.api_keys import digest, new_key
from sts_server.config import ID_NAME, SECRET_NAME, Settings, parse
from sts_server.errors import ConfigError
from sts_server.policy import LONGEST_POLICY
from sts_server.prefix import is_safe_value
from sts_server.sandbox import Sandbox, SandboxError
from sts_server.settings import listen_address

_DONE, _FAILED, _USAGE, _INTERRUPTED = 0, 1, 2, 130

_GRACE = 15  # seconds that requests under way are given at the end: more than one call to STS takes

_SANDBOX = """
[server]
listen = "{listen}"
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


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; those of the process by default.
        environ: where our own key for STS comes from.

    Returns:
        the exit code: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted before
        there was anything to end.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    options = _parser().parse_args(argv)
    try:
        match options.command:
            case "serve":
                return _serve(options, environ)
            case "check":
                return _check(options.config, environ)
            case _:
                return _new_key(options.name)
    except ConfigError as error:
        for problem in error.problems:
            print(f"sts-server: {problem}", file=sys.stderr)
        return _USAGE
    except SandboxError as error:
        print(f"sts-server: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sts-server", description="Vends short-lived STS credentials for one OSS bucket."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the server until Ctrl-C or SIGTERM")
    source = serve.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, metavar="FILE", help="the configuration, TOML")
    source.add_argument(
        "--sandbox",
        action="store_true",
        help="need no cloud: start a local STS and OSS too, and make a throwaway key",
    )
    serve.add_argument(
        "--listen", type=_address, metavar="HOST:PORT", help="instead of server.listen"
    )
    check = commands.add_parser("check", help="read a configuration and say what is wrong with it")
    check.add_argument("--config", type=Path, metavar="FILE", required=True)
    key = commands.add_parser("new-key", help="make an API key for a caller")
    key.add_argument("name", help="the caller's id")
    return parser


def _address(text: str) -> str:
    try:
        return listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _serve(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    if not options.sandbox:
        settings = _read(options.config, environ)
        return _run(app.build(settings), options.listen or settings.tables.server.listen)
    with Sandbox() as sandbox:
        key = new_key()
        listen = options.listen or "127.0.0.1:8000"
        text = _SANDBOX.format(sandbox=sandbox, sha256=digest(key), listen=listen)
        own_key = {ID_NAME: sandbox.access_key_id, SECRET_NAME: sandbox.access_key_secret}
        settings = parse(text, own_key)
        try_it = (
            "Try it: echo examplecontent | OSS_STS_SERVER={url} OSS_STS_GRANT=uploads "
            f"OSS_STS_TOKEN={key} sts-client put - "
            f"oss://{sandbox.bucket}/users/alice/exampledir/exampleobject.txt"
        )
        return _run(app.build(settings), listen, then=try_it)


def open_listener(listen: str) -> socket.socket:
    """Listen on an address such as `127.0.0.1:8000` or `[::1]:8000`.

    Raises:
        OSError: it is taken, or none of this machine's.
    """
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=2048)
    # What is accepted here inherits it. Else an answer's body waits 40 ms for the client to
    # acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run(application: ASGIApp, listen: str, then: str = "") -> int:
    try:
        listener = open_listener(listen)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "no such address"
        print(f"sts-server: cannot listen on {listen}: {reason}", file=sys.stderr)
        return _FAILED
    url = f"http://{listen.rpartition(':')[0]}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        application,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,  # the peer is the peer
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    with listener, _quiet_end():
        _Server(config, [json.dumps({"url": url}), *([then.format(url=url)] if then else [])]).run(
            sockets=[listener]
        )
    return _DONE


class _Server(uvicorn.Server):
    """Prints its lines when it answers, not before."""

    def __init__(self, config: uvicorn.Config, lines: Sequence[str]) -> None:
        super().__init__(config)
        self._lines = lines

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for line in self._lines if self.started else ():
            print(line, flush=True)


@contextlib.contextmanager
def _quiet_end() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end in exit code 0: uvicorn raises them again once it has stopped."""
    before = {
        sign: signal.signal(sign, lambda *_: None) for sign in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _check(path: Path, environ: Mapping[str, str]) -> int:
    tables = _read(path, environ).tables
    app.check(tables)
    print(f"{path}: bucket {tables.oss.bucket} in {tables.oss.region}, {tables.sts.role_arn}")
    lengths = app.longest_policies(tables)
    for grant in tables.grants:
        who = [*grant.who.callers, *(f"group {name}" for name in grant.who.groups)]
        place = "the whole bucket" if grant.whole_bucket else grant.prefix
        print(
            f"  {grant.name}: {', '.join(who)} may {', '.join(grant.actions)} in {place}"
            f" for {grant.duration} s (policy: at most {lengths[grant.name]} of {LONGEST_POLICY})"
        )
    return _DONE


def _new_key(name: str) -> int:
    if not is_safe_value(name):
        raise ConfigError(
            ["the name must be 1-64 letters, digits or ._@+=,:|~- and not '.' or '..'"]
        )
    key = new_key()
    print(f"# The key, shown only now. Give it to {name}:\n#   {key}", file=sys.stderr)
    print(f'[[callers.api_key]]\nid = "{name}"\nsha256 = ["{digest(key)}"]')
    return _DONE


def _read(path: Path, environ: Mapping[str, str]) -> Settings:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None
    return parse(text, environ)
