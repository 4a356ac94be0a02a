"""The program: reads argv, runs one command, and turns errors into lines and exit codes."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from sts_server.cli import check, new_key, serve
from sts_server.cli.exits import FAILED, INTERRUPTED, USAGE, Failed
from sts_server.errors import ConfigError
from sts_server.lines import LineHandler, Lines
from sts_server.sandbox import SandboxError

_STDERR = 2  # its file descriptor


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
        code: int = options.run(options, environ)
        return code  # noqa: TRY300 - it is what was tried
    except ConfigError as error:
        for problem in error.problems:
            print(f"sts-server: {problem}", file=sys.stderr)
        return USAGE
    except (Failed, SandboxError) as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"cannot write: {error.strerror}")
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sts-server", description="Vends short-lived STS credentials for one OSS bucket."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (serve, check, new_key):
        command.add_to(commands)
    return parser


def _complain(what: str) -> int:
    print(f"sts-server: {what}", file=sys.stderr)
    return FAILED
