"""The commands of a program: what each adds itself to, and what each works with."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from sts_client.cli.options import shared
from sts_client.cli.report import Report
from sts_client.cli.streams import Streams


class Commands(Protocol):
    """What `ArgumentParser.add_subparsers` gives; argparse has no public name for it."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's word
        allow_abbrev: bool = True,
        parents: Sequence[argparse.ArgumentParser] = (),
    ) -> argparse.ArgumentParser:
        """Add a command."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a command works with.

    Attributes:
        environ: the environment.
        streams: where bytes come from and go to.
        report: who is told what came of it.
    """

    environ: Mapping[str, str]
    streams: Streams
    report: Report


def command(commands: Commands, name: str, what: str) -> argparse.ArgumentParser:
    """Add a command, which takes the options that all of them share."""
    return commands.add_parser(name, help=what, allow_abbrev=False, parents=[shared(again=True)])


def add_conditions_to(parser: argparse.ArgumentParser) -> None:
    """Add the conditions of a read."""
    for name in ("--if-match", "--if-none-match"):
        parser.add_argument(name, metavar="ETAG")
    for name in ("--if-modified-since", "--if-unmodified-since"):
        parser.add_argument(name, metavar="HTTP-DATE")


class Conditions(TypedDict):
    """Conditions of a read, by the names that a bucket has for them."""

    if_match: str | None
    if_none_match: str | None
    if_modified_since: str | None
    if_unmodified_since: str | None


def conditions_of(options: argparse.Namespace) -> Conditions:
    """Return those that were given."""
    return Conditions(
        if_match=options.if_match,
        if_none_match=options.if_none_match,
        if_modified_since=options.if_modified_since,
        if_unmodified_since=options.if_unmodified_since,
    )
