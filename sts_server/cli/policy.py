"""`sts-server policy`: prints the session policy that each grant becomes."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sts_server import app
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE, REFUSED
from sts_server.cli.files import read
from sts_server.cli.supposed import add_caller_to, chosen, supposed
from sts_server.config import read_tables
from sts_server.errors import ConfigError, Refusal
from sts_server.grants import resolve
from sts_server.policy import LONGEST_POLICY, session_policy
from sts_server.scope import Grant, Scope, Wish, session_name


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("policy", help="print the session policy that each grant becomes")
    parser.add_argument("--config", type=Path, metavar="FILE", required=True)
    parser.add_argument("--grant", metavar="NAME", help="only this one")
    add_caller_to(parser, required=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print them, as templates or for one caller; raises ConfigError."""
    if options.caller is None and (options.group or options.claim):
        raise ConfigError(["--group and --claim describe a caller: name them with --caller"])
    tables = read_tables(read(options.config))
    app.check(tables)
    grants, bucket = app.grants(tables), tables.oss.bucket
    wanted = [chosen(grants, options.grant)] if options.grant else list(grants.values())
    code = DONE
    for grant in wanted:
        if options.caller is None:
            _show_template(grant, bucket, longest=app.longest_policies(tables)[grant.name])
            continue
        caller = supposed(options)
        try:
            scope, term = resolve(grants, bucket, caller, Wish(grant.name), time.time())
        except Refusal as refusal:
            # Of all grants some may be the caller's; of the one that was asked for it is an error.
            print(f"{grant.name}: refused: {refusal.detail}", file=sys.stderr)
            code = REFUSED if options.grant else code
            continue
        policy = session_policy(scope)
        print(
            f"{grant.name}: {term.duration} s, session name {session_name(caller.id)}, "
            f"{len(policy)} of {LONGEST_POLICY} characters:\n{_pretty(policy)}"
        )
    return code


def _show_template(grant: Grant, bucket: str, *, longest: int) -> None:
    policy = session_policy(Scope(bucket, grant.prefix, grant.actions))
    print(
        f"{grant.name}: {grant.duration} s, session name by the caller's id, "
        f"at most {longest} of {LONGEST_POLICY} characters:\n{_pretty(policy)}"
    )


def _pretty(policy: str) -> str:
    return json.dumps(json.loads(policy), indent=2)
