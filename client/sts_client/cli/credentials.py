"""`sts-client credentials`: prints the keys of a lease for programs that cannot ask for one."""

import argparse

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import leases
from sts_client.cli.exits import DONE
from sts_client.cli.formats import FORMATS
from sts_client.errors import UsageError


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "credentials", "print keys for a program that cannot ask for them")
    parser.add_argument("--format", choices=FORMATS, default="json", help="default: json")
    parser.add_argument("--profile", metavar="NAME", default="", help="section of an ini, a remote")
    parser.add_argument("--show", action="store_true", help="on a terminal, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Print them, but not where they would stay in sight."""
    if setting.streams.stdout.isatty() and not options.show:
        raise UsageError(
            "the secret would stand on this terminal: send it to the program or file that it is "
            "for, or say --show"
        )
    lease = leases(options, setting.environ, at_once=True).lease()
    text = FORMATS[options.format](lease, options.profile)
    with setting.streams.written() as file:
        file.write(f"{text}\n".encode())
    return DONE
