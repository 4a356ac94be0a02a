"""The command line: `sts-server serve | check | new-key`. Reads argv and the environment."""

import argparse
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from sts_server import app
from sts_server.callers.api_keys import digest, new_key
from sts_server.config import (
    ID_NAME,
    SECRET_NAME,
    key_problems,
    parse,
    read_tables,
)
from sts_server.errors import ConfigError
from sts_server.lines import LineHandler, Lines
from sts_server.policy import LONGEST_POLICY
from sts_server.prefix import is_safe_value
from sts_server.sandbox import Sandbox, SandboxError
from sts_server.serving import address_of, open_listener, serve
from sts_server.shapes import listen_address

_DONE, _FAILED, _USAGE, _INTERRUPTED = 0, 1, 2, 130
_STDOUT, _STDERR = 1, 2  # file descriptors

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
    logging.basicConfig(
        level=logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        # Not the usual handler, which waits for its reader with the whole server behind it.
        handlers=[LineHandler(Lines(_STDERR))] if sys.stderr else [logging.NullHandler()],
    )
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
        return _complain(str(error))
    except OSError as error:
        return _complain(f"cannot write: {error.strerror}")
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
        settings = parse(_read(options.config), environ)
        return _run(app.build(settings), options.listen or settings.tables.server.listen)
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
        return _run(app.build(settings), listen, then=try_it)


def _run(application: ASGIApp, listen: str, then: str = "") -> int:
    try:
        listener = open_listener(listen)
    except socket.gaierror:
        return _complain(f"cannot listen on {listen}: no such address")
    except OSError as error:
        return _complain(f"cannot listen on {listen}: {os.strerror(error.errno or 0)}")
    url = address_of(listen, listener)
    lines = [json.dumps({"url": url}), *([then.format(url=url)] if then else [])]

    def ready() -> None:
        # Whoever does not read this still gets a server.
        with contextlib.suppress(OSError):
            Lines(_STDOUT).write("\n".join(lines))

    serve(application, listener, ready)
    return _DONE


def _complain(what: str) -> int:
    print(f"sts-server: {what}", file=sys.stderr)
    return _FAILED


def _check(path: Path, environ: Mapping[str, str]) -> int:
    tables = read_tables(_read(path))
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
    # A configuration can be checked where its secret is not.
    for problem in key_problems(environ):
        print(f"  to serve it here: {problem}")
    return _DONE


def _new_key(name: str) -> int:
    if not is_safe_value(name):
        raise ConfigError(
            ["the name must be 1-64 letters, digits or ._@+=,:|~- and not '.' or '..'"]
        )
    key = new_key()
    # The blank line parts it from what a file it is appended to may end in.
    print(f'\n[[callers.api_key]]\nid = "{name}"\nsha256 = ["{digest(key)}"]', flush=True)
    print(
        f"# Add the lines above to the configuration. If {name} is in there already, add only the\n"
        f"# digest to their sha256: then both keys work.\n"
        f"# The key of {name}, shown only now:\n{key}",
        file=sys.stderr,
    )
    return _DONE


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None
