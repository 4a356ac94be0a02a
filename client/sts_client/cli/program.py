"""The program: reads argv, runs one command, and turns errors into lines and exit codes."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from threading import current_thread, main_thread
from types import FrameType
from typing import Never

from sts_client.cli import completion, credentials, doctor, get, ls, mirror, put, rm, run_with, url
from sts_client.cli.commands import Setting
from sts_client.cli.exits import FAILED, GONE, SIGNALLED, Ended, code_of
from sts_client.cli.options import shared
from sts_client.cli.report import Report
from sts_client.cli.streams import Streams
from sts_client.errors import StsClientError, UsageError

_COMMANDS = (get, put, ls, rm, mirror, url, credentials, run_with, doctor, completion)
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def main(
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    streams: Streams | None = None,
) -> int:
    """Run one command and return its exit code, as `exits` has them.

    Args:
        argv: the words after the program's name; those of the process by default.
        environ: the environment; that of the process by default.
        streams: where bytes come from and go to; those of the process by default.
    """
    argv = sys.argv[1:] if argv is None else argv
    streams = streams or Streams.of_process()
    environ = os.environ if environ is None else environ
    # A mistake among the options is told as they ask for it.
    report = Report(streams, as_json="--json" in takewhile("--".__ne__, argv))
    try:
        with _endings():
            options = parser().parse_args(argv)
            report = Report(streams, options.json, options.quiet)
            code: int = options.run(options, Setting(environ, streams, report))
            return code
    except StsClientError as error:
        report.error(error)
        return code_of(error)
    except BrokenPipeError:
        streams.abandon()
        return GONE
    except OSError as error:
        # From a local file: those of the network have become errors of ours.
        where = f"{error.filename or 'local file'}: {error.strerror or 'failed'}"
        report.wrong("OSError", where, FAILED)
        return FAILED
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Ended) else signal.SIGINT
        if report.as_json:
            report.wrong("Interrupted", "interrupted", SIGNALLED + number)
        return SIGNALLED + number


class _Parser(argparse.ArgumentParser):
    """Says mistakes as all else is said."""

    def error(self, message: str) -> Never:
        """Raise UsageError."""
        raise UsageError(f"{message} ({self.prog} --help says more)")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = _Parser(
        prog="sts-client",
        description="Read and write objects in OSS with short-lived credentials.",
        allow_abbrev=False,
        parents=[shared()],
    )
    root.set_defaults(root=root)
    commands = root.add_subparsers(required=True, metavar="command")
    for command in _COMMANDS:
        command.add_to(commands)
    return root


@contextmanager
def _endings() -> Iterator[None]:
    """Let the signals that end a program do so as Ctrl-C does: what is half done is taken back."""
    if current_thread() is not main_thread():
        yield  # where Python takes no handlers
        return

    def end(number: int, _: FrameType | None) -> Never:
        raise Ended(number)

    before = {each: signal.signal(each, end) for each in _ENDING if _heeded(each)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded(number: signal.Signals) -> bool:
    # With nohup, and in the background of some shells, it is ignored, and stays so.
    return signal.getsignal(number) is signal.SIG_DFL
