"""The program: reads argv, runs one command, and turns errors into lines and exit codes."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from sts_server import logs
from sts_server.cli import check, cors, explain, new_key, policy, serve
from sts_server.cli.exits import FAILED, INTERRUPTED, USAGE, Failed
from sts_server.errors import ConfigError
from sts_server.sandbox import SandboxError


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command.

    Args:
        argv: the words after the program's name; those of the process by default.
        environ: where our own key for STS comes from.

    Returns:
        the exit code: 0 done, 1 failed, 2 wrong usage or configuration, 5 what was asked
        about would be refused, 130 interrupted before there was anything to end.
    """
    logs.set_up()
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
    for command in (serve, check, policy, explain, cors, new_key):
        command.add_to(commands)
    return parser


def _complain(what: str) -> int:
    print(f"sts-server: {what}", file=sys.stderr)
    return FAILED
