"""`sts-client put`: writes an object from a file, or from standard input."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sts_client.bucket import Bucket
from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE
from sts_client.cli.names import METAVAR, key_of
from sts_client.cli.progress import Moved, moving
from sts_client.objects import PutResult
from sts_client.transfer import TransferSettings

_PIECE = 256 * 1024


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "put", "write an object from a file")
    parser.add_argument("file", help="- is standard input")
    parser.add_argument("object", metavar=METAVAR)
    parser.add_argument("--forbid-overwrite", action="store_true", help="only create")
    parser.add_argument("--content-type", metavar="TYPE", help="default: by the name's ending")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Write it. The object is there whole or not at all, and says its entity tag."""
    with opened(options, setting.environ) as bucket:
        key = key_of(bucket, options.object)
        result = _written(bucket, key, options, setting)
    setting.report.done(
        result.etag,
        object=options.object,
        etag=result.etag,
        crc64=result.crc64,
        version_id=result.version_id,
    )
    return DONE


def _written(bucket: Bucket, key: str, options: argparse.Namespace, setting: Setting) -> PutResult:
    path = Path(options.file)
    wish = {"forbid_overwrite": options.forbid_overwrite, "content_type": options.content_type}
    if options.file == "-" and setting.streams.stdin.seekable():
        # A file, which has a length and can be said again.
        return bucket.put(key, setting.streams.stdin, **wish)
    if options.file == "-":
        with moving(setting.report, options.object, None) as moved:
            return bucket.put(key, _pieces(setting.streams.stdin, moved), **wish)
    # A pipe has no length before its end, so it is no file that could go in parts.
    if not path.is_file():
        with path.open("rb") as file, moving(setting.report, options.object, None) as moved:
            return bucket.put(key, _pieces(file, moved), **wish)
    with moving(setting.report, options.object, path.stat().st_size) as moved:
        return bucket.upload(path, key, **wish, settings=TransferSettings(on_progress=moved))


def _pieces(file: BinaryIO, moved: Moved) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
        moved(len(piece))
