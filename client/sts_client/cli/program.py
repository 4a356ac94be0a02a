"""The command line ``sts-client``: one object, or one listing, per call.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not modified, 4 a condition does not hold or the
object exists already, 5 refused, 130 interrupted, 141 nobody reads the output any more.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path

from sts_client.bucket import Bucket, connect
from sts_client.cli.streams import Streams
from sts_client.errors import (
    AccessDenied,
    FileAlreadyExists,
    GrantDenied,
    PreconditionFailed,
    StsClientError,
    Unauthenticated,
    UsageError,
)
from sts_client.objects import Entry, Folder, NotModified
from sts_client.source import TokenFile
from sts_client.transfer import landing

DONE, FAILED, USAGE, NOT_MODIFIED, UNMET, REFUSED = 0, 1, 2, 3, 4, 5
INTERRUPTED, GONE = 130, 141

_CODES: Sequence[tuple[type[StsClientError] | tuple[type[StsClientError], ...], int]] = (
    (UsageError, USAGE),
    ((PreconditionFailed, FileAlreadyExists), UNMET),
    ((AccessDenied, GrantDenied, Unauthenticated), REFUSED),
)


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    streams: Streams | None = None,
) -> int:
    """Run one command and return its exit code; without arguments those of the process count."""
    streams = streams or Streams.of_process()
    arguments = _parser().parse_args(argv)
    command: Callable[[Bucket, argparse.Namespace, Streams], int] = arguments.command
    try:
        with _opened(arguments, os.environ if environ is None else environ) as bucket:
            return command(bucket, arguments, streams)
    except StsClientError as error:
        streams.complain(str(error))
        return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
    except BrokenPipeError:
        streams.abandon()
        return GONE
    except OSError as error:
        # From a local file: those of the network have become errors of ours.
        streams.complain(f"{error.filename or 'local file'}: {error.strerror or 'failed'}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _get(bucket: Bucket, arguments: argparse.Namespace, streams: Streams) -> int:
    key = _key(bucket, arguments.object)
    target = arguments.file or key.rpartition("/")[2]
    if target in {"", ".", ".."}:
        raise UsageError("the object's name does not end in a file name: say where it should go")
    found = bucket.get(
        key,
        if_match=arguments.if_match,
        if_none_match=arguments.if_none_match,
        if_modified_since=arguments.if_modified_since,
        if_unmodified_since=arguments.if_unmodified_since,
    )
    if isinstance(found, NotModified):
        return NOT_MODIFIED
    with found, streams.written() if target == "-" else landing(target) as file:
        for chunk in found:
            file.write(chunk)
    return DONE


def _put(bucket: Bucket, arguments: argparse.Namespace, streams: Streams) -> int:
    key = _key(bucket, arguments.object)
    with streams.stdin if arguments.file == "-" else Path(arguments.file).open("rb") as file:
        result = bucket.put(
            key,
            file,
            forbid_overwrite=arguments.forbid_overwrite,
            content_type=arguments.content_type,
        )
    streams.say(result.etag)
    return DONE


def _ls(bucket: Bucket, arguments: argparse.Namespace, streams: Streams) -> int:
    prefix = _key(bucket, arguments.object)
    delimiter = "/" if arguments.folders else None
    for entry in bucket.list(prefix or None, delimiter=delimiter):
        streams.say(_line(entry))
    return DONE


def _rm(bucket: Bucket, arguments: argparse.Namespace, _streams: Streams) -> int:
    bucket.delete(_key(bucket, arguments.object))
    return DONE


def _line(entry: Entry | Folder) -> str:
    if isinstance(entry, Folder):
        return f"{'':20} {'':>14} {entry.prefix}"
    modified = entry.last_modified.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{modified:20} {entry.size:>14} {entry.key}"


def _key(bucket: Bucket, url: str) -> str:
    """Return the key in ``oss://bucket/key`` if that is the bucket of the lease."""
    scheme, _, rest = url.partition("://")
    name, _, key = rest.partition("/")
    if scheme != "oss" or not name:
        raise UsageError("an object is named oss://bucket/key")
    ours = bucket.provider.lease().bucket
    if name != ours:
        raise UsageError(f"this grant is for the bucket {ours!r}, not for {name!r}")
    return key


def _opened(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Bucket:
    server = arguments.server or environ.get("OSS_STS_SERVER")
    grant = arguments.grant or environ.get("OSS_STS_GRANT")
    if not server or not grant:
        raise UsageError("say --server and --grant, or set OSS_STS_SERVER and OSS_STS_GRANT")
    token = environ.get("OSS_STS_TOKEN", "")
    if not arguments.token_file and not token:
        raise UsageError("say --token-file, or set OSS_STS_TOKEN")
    return connect(
        server,
        grant=grant,
        token=TokenFile(arguments.token_file) if arguments.token_file else token,
        endpoint=arguments.endpoint,
        allow_http=arguments.allow_http,
    )


class _NoToken(argparse.Action):
    """Refuses a token on the command line and does not repeat it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _names: object,
        _token: object,
        _option: object = None,
    ) -> None:
        parser.error(
            "a token does not belong on the command line, where everybody on this machine can "
            "read it: use --token-file, or set OSS_STS_TOKEN"
        )


def _parser() -> argparse.ArgumentParser:
    # Without abbreviations: else --token would be taken for --token-file.
    parser = argparse.ArgumentParser(
        prog="sts-client",
        description="Read and write objects in OSS with short-lived credentials.",
        allow_abbrev=False,
    )
    parser.add_argument("--server", help="address of the vending server (OSS_STS_SERVER)")
    parser.add_argument("--grant", help="what to ask it for (OSS_STS_GRANT)")
    parser.add_argument("--token-file", help="file with the bearer token (or OSS_STS_TOKEN)")
    parser.add_argument("--endpoint", help="reach OSS here and not where the server says")
    parser.add_argument(
        "--allow-http", action="store_true", help="accept http:// to other machines: insecure"
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    get = commands.add_parser("get", help="read an object into a file", allow_abbrev=False)
    get.add_argument("object", metavar="oss://bucket/key")
    get.add_argument("file", nargs="?", help="- is standard output; default: the key's last part")
    for name in ("--if-match", "--if-none-match"):
        get.add_argument(name, metavar="ETAG")
    for name in ("--if-modified-since", "--if-unmodified-since"):
        get.add_argument(name, metavar="HTTP-DATE")
    get.set_defaults(command=_get)

    put = commands.add_parser("put", help="write an object from a file", allow_abbrev=False)
    put.add_argument("file", help="- is standard input")
    put.add_argument("object", metavar="oss://bucket/key")
    put.add_argument("--forbid-overwrite", action="store_true", help="only create")
    put.add_argument("--content-type")
    put.set_defaults(command=_put)

    ls = commands.add_parser("ls", help="list objects", allow_abbrev=False)
    ls.add_argument("object", metavar="oss://bucket/prefix")
    ls.add_argument("--folders", action="store_true", help="one line for all behind the next /")
    ls.set_defaults(command=_ls)

    rm = commands.add_parser("rm", help="delete an object", allow_abbrev=False)
    rm.add_argument("object", metavar="oss://bucket/key")
    rm.set_defaults(command=_rm)

    for each in (parser, get, put, ls, rm):
        # Unknown, it would be an error that repeats what stands behind it.
        each.add_argument("--token", nargs="?", action=_NoToken, help=argparse.SUPPRESS)
    return parser
