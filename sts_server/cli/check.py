"""`sts-server check`: reads a configuration and says what is wrong with it, or what it gives."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

from sts_server import app
from sts_server.access_key import KeySources, key_problems
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE, FAILED
from sts_server.cli.files import read
from sts_server.clock import system_clock
from sts_server.config import Settings, parse, read_tables
from sts_server.http.page import page
from sts_server.needed_files import try_files
from sts_server.overlaps import overlaps
from sts_server.policy import LONGEST_POLICY
from sts_server.trial import Outcome


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("check", help="read a configuration and say what is wrong with it")
    parser.add_argument("--config", type=Path, metavar="FILE", required=True)
    parser.add_argument(
        "--live",
        action="store_true",
        help="ask STS, too: who we are, and one lease for each grant, which is thrown away",
    )
    parser.add_argument(
        "--insecure-dev", action="store_true", help="for a file that is served with the same"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Check one file, and with `--live` what STS makes of it; raises ConfigError."""
    path: Path = options.config
    text = read(path)
    tables = read_tables(text, insecure_dev=options.insecure_dev)
    app.check(tables)
    try_files(tables)
    page(tables.server, tables.oss)
    print(f"{path}: bucket {tables.oss.bucket} in {tables.oss.region}, {tables.sts.role_arn}")
    lengths = app.longest_policies(tables)
    for grant in tables.grants:
        place = "the whole bucket" if grant.whole_bucket else grant.prefix
        lasts = f"{grant.duration} s" + (" or less" if grant.end_with_token else "")
        print(
            f"  {grant.name}: {grant.who} may {', '.join(grant.actions)} in {place}"
            f" for {lasts} (policy: at most {lengths[grant.name]} of {LONGEST_POLICY})"
        )
    for overlap in overlaps(app.grants(tables).values()):
        print(f"  warning: {overlap}")
    for caller in tables.callers.api_key:
        for number, key in enumerate(caller.keys):
            if key.expires is not None and key.expires.timestamp() <= system_clock():
                print(f"  warning: api_key {caller.id}: sha256[{number}] is over")
    if options.live:
        return asyncio.run(_live(parse(text, environ, insecure_dev=options.insecure_dev)))
    # A configuration can be checked where its secret is not.
    for problem in key_problems(environ):
        print(f"  to serve it here: {problem}")
    if KeySources.of(environ).key is None:
        print("  no key of our own in the environment: to try the other places, say --live")
    return DONE


async def _live(settings: Settings) -> int:
    code = DONE
    async for step in app.check_live(settings):
        print(f"{step.outcome.value:7}  {step.what}: {step.told}", flush=True)
        if step.outcome is Outcome.FAILED:
            code = FAILED
    return code
