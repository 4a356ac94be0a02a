"""`sts-client get`: reads an object into a file, or to standard output, on conditions."""

import argparse

from sts_client.bucket import Bucket
from sts_client.cli.commands import Commands, Setting, add_conditions_to, command, conditions_of
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE, NOT_MODIFIED
from sts_client.cli.names import METAVAR, key_of
from sts_client.cli.progress import amount, moving, shows_bar
from sts_client.errors import UsageError
from sts_client.objects import Head, NotModified
from sts_client.transfer import TransferSettings


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "get", "read an object into a file")
    parser.add_argument("object", metavar=METAVAR)
    parser.add_argument(
        "file", nargs="?", help="- is standard output; default: the key's last part"
    )
    add_conditions_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Read it. A file is there whole or not at all, and one that is the same stays as it is."""
    with opened(options, setting.environ) as bucket:
        key = key_of(bucket, options.object)
        target = options.file or key.rpartition("/")[2]
        if target in {"", ".", ".."}:
            raise UsageError(
                "the object's name does not end in a file name: say where it should go"
            )
        if options.file == "-":
            return _stream(bucket, key, options, setting)
        return _download(bucket, key, target, options, setting)


def _download(
    bucket: Bucket, key: str, target: str, options: argparse.Namespace, setting: Setting
) -> int:
    report, conditions = setting.report, conditions_of(options)
    total = None
    if shows_bar(report):
        head = bucket.head(key, **conditions)
        total = head.size if isinstance(head, Head) else None
    with moving(report, options.object, total) as moved:
        found = bucket.download(
            key, target, **conditions, settings=TransferSettings(on_progress=moved)
        )
    if isinstance(found, NotModified):
        return _not_modified(options, setting, found)
    report.done(
        f"{options.object} -> {target} ({amount(found.head.size)}"
        + (")" if found.transferred else ", the same before)"),
        object=options.object,
        file=target,
        etag=found.head.etag,
        size=found.head.size,
        transferred=found.transferred,
    )
    return DONE


def _stream(bucket: Bucket, key: str, options: argparse.Namespace, setting: Setting) -> int:
    found = bucket.get(key, **conditions_of(options))
    if isinstance(found, NotModified):
        return _not_modified(options, setting, found)
    with found, setting.streams.written() as file:
        for chunk in found:
            file.write(chunk)
    if setting.report.as_json:
        setting.report.done("", aside=True, object=options.object, etag=found.etag, size=found.size)
    return DONE


def _not_modified(options: argparse.Namespace, setting: Setting, found: NotModified) -> int:
    setting.report.done(
        f"{options.object}: not modified",
        aside=options.file == "-",
        object=options.object,
        etag=found.etag,
        not_modified=True,
    )
    return NOT_MODIFIED
