"""`sts-client exec`: runs a program whose SDK finds fresh keys at a URI, and nowhere else."""

import argparse

from sts_client.cli.child import CredentialsUri, NotStarted, environment, held
from sts_client.cli.child import run as run_child
from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import leases
from sts_client.errors import UsageError


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "exec", "run a program that finds fresh keys by itself")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command …")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Run it and return its exit code; without a lease it is not started."""
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise UsageError("say what to run, behind --")
    provider = leases(options, setting.environ, at_once=True)
    provider.lease()
    uri = CredentialsUri(provider.lease)
    try:
        with held() as before, uri.answering():
            return run_child(words, environment(setting.environ, uri.address), before)
    except NotStarted as error:
        setting.report.wrong("NotStarted", str(error), error.exit_code)
        return error.exit_code
