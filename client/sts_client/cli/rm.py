"""`sts-client rm`: deletes an object."""

import argparse

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE
from sts_client.cli.names import METAVAR, key_of


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "rm", "delete an object")
    parser.add_argument("object", metavar=METAVAR)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Delete it; one that is not there is no error."""
    with opened(options, setting.environ) as bucket:
        bucket.delete(key_of(bucket, options.object))
    setting.report.done(f"{options.object}: deleted", object=options.object, deleted=True)
    return DONE
