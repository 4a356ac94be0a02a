"""The supposed caller: one that a command reasons about, with such groups and claims as it says."""

import argparse

from sts_server.errors import ConfigError
from sts_server.scope import Caller, Grant


def add_caller_to(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that describe a caller."""
    parser.add_argument(
        "--caller", metavar="ID", required=required, help="suppose this caller, id_prefix and all"
    )
    parser.add_argument(
        "--group", metavar="NAME", action="append", default=[], help="a group of theirs"
    )
    parser.add_argument(
        "--claim",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_claim,
        help="a claim of theirs; said twice it is a list",
    )


def supposed(options: argparse.Namespace) -> Caller:
    """Give the caller that the options describe."""
    said: dict[str, list[str]] = {}
    for name, value in options.claim:
        said.setdefault(name, []).append(value)
    claims = {
        name: values[0] if len(values) == 1 else frozenset(values) for name, values in said.items()
    }
    return Caller(options.caller, frozenset(options.group), claims)


def chosen(grants: dict[str, Grant], name: str) -> Grant:
    """Give one grant by name; raises ConfigError: here nobody is kept from knowing which exist."""
    if name not in grants:
        raise ConfigError([f"--grant: there is no such grant; there are {', '.join(grants)}"])
    return grants[name]


def _claim(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value
