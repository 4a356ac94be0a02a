"""`sts-client ls`: lists objects by prefix."""

import argparse
from datetime import UTC, datetime

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE
from sts_client.cli.names import key_of
from sts_client.objects import Entry, Folder


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "ls", "list objects")
    parser.add_argument("object", metavar="oss://bucket/prefix")
    parser.add_argument("--folders", action="store_true", help="one line for all behind the next /")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """List them, a page at a time."""
    with opened(options, setting.environ) as bucket:
        prefix = key_of(bucket, options.object)
        for entry in bucket.list(prefix or None, delimiter="/" if options.folders else None):
            _say(entry, setting)
    return DONE


def _say(entry: Entry | Folder, setting: Setting) -> None:
    if isinstance(entry, Folder):
        setting.report.product(f"{'':20} {'':>14} {entry.prefix}", prefix=entry.prefix)
        return
    modified = _moment(entry.last_modified)
    setting.report.product(
        f"{modified:20} {entry.size:>14} {entry.key}",
        key=entry.key,
        size=entry.size,
        last_modified=modified,
        etag=entry.etag,
    )


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
