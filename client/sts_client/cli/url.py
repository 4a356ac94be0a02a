"""`sts-client url`: signs a URL with which an object can be read by whoever has it."""

import argparse

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE
from sts_client.cli.names import METAVAR, key_of


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "url", "sign a URL to read an object; it ends with the lease")
    parser.add_argument("object", metavar=METAVAR)
    parser.add_argument("--seconds", type=int, default=900, help="that it should live (900)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Print it, and beside it until when it is good."""
    with opened(options, setting.environ) as bucket:
        signed = bucket.presign_get(key_of(bucket, options.object), seconds=options.seconds)
    until = signed.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    setting.report.product(signed.url, url=signed.url, expires=until)
    if not (setting.report.as_json or setting.report.quiet):
        setting.streams.complain(f"good until {until}", bare=True)
    return DONE
