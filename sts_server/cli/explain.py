"""`sts-server explain`: says whether a caller's lease lets them do something, and why.

The judge is the sandbox's reading of RAM, which shares no line with the writer of the policy.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sts_server import app
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE, REFUSED
from sts_server.cli.files import read
from sts_server.cli.supposed import add_caller_to, chosen, supposed
from sts_server.config import read_tables
from sts_server.errors import ConfigError, Refusal
from sts_server.grants import holds, resolve
from sts_server.policy import LONGEST_POLICY, session_policy
from sts_server.sandbox.oss.operation import Level
from sts_server.sandbox.oss.rights import HEADER_ACTIONS, LISTING_ACTIONS
from sts_server.sandbox.oss.table import OPERATIONS
from sts_server.sandbox.ram.decision import Access, Resource, allows
from sts_server.sandbox.ram.document import parse_policy
from sts_server.scope import Wish
from sts_server.settings import Tables

_VERBS: Final = {
    "get": "oss:GetObject",
    "put": "oss:PutObject",
    "list": "oss:ListObjects",
    "delete": "oss:DeleteObject",
}
_ON_OBJECTS: Final = {
    action
    for operation in OPERATIONS
    if operation.level is Level.OBJECT
    for action in (operation.action, operation.version_action)
    if action
} | set(HEADER_ACTIONS.values())
_ACTIONS: Final = _ON_OBJECTS | {operation.action for operation in OPERATIONS if operation.action}


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "explain", help="say whether a caller's lease lets them do something, and why"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", required=True)
    parser.add_argument("--grant", metavar="NAME", required=True)
    add_caller_to(parser, required=True)
    parser.add_argument(
        "verb", type=_action, help=f"{', '.join(_VERBS)}, or an action of RAM's as oss:GetObject"
    )
    parser.add_argument(
        "key",
        nargs="?",
        help="the object; of list the prefix; of other actions on a bucket nothing",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Say it; raises ConfigError."""
    tables = read_tables(read(options.config))
    app.check(tables)
    grants = app.grants(tables)
    grant, caller = chosen(grants, options.grant), supposed(options)
    access = _access(tables, options.verb, options.key)
    if not holds(grant, caller):
        who = next(table.who for table in tables.grants if table.name == grant.name)
        print(f"refused: {grant.name} is not given to this caller, but to {who}")
        return REFUSED
    try:
        scope = resolve(grants, tables.oss.bucket, caller, Wish(grant.name), time.time())[0]
    except Refusal as refusal:
        print(f"refused: {refusal.detail}")
        return REFUSED
    policy = session_policy(scope)
    length = f"{len(policy)} of {LONGEST_POLICY} characters"
    for number, statement in enumerate(json.loads(policy)["Statement"], 1):
        alone = json.dumps({"Version": "1", "Statement": [statement]})
        if allows([parse_policy(alone)], access):
            print(
                f"allowed by statement {number} of the session policy ({length}):\n"
                f"{json.dumps(statement, indent=2)}\n"
                "The role's own policies have to allow it, too, and a deny file can stop it."
            )
            return DONE
    print(
        f"refused: no statement of the session policy ({length}) allows {access.action} on "
        f"{_plain(access.resource.name)}"
        + "".join(f" with {fact} {_plain(value)}" for fact, value in access.context.items())
        + f":\n{json.dumps(json.loads(policy), indent=2)}"
    )
    return REFUSED


def _access(tables: Tables, action: str, key: str | None) -> Access:
    bucket = tables.oss.bucket
    account = tables.sts.role_arn.split(":")[3]
    if action not in _ON_OBJECTS:
        facts = {"oss:Prefix": key} if action in LISTING_ACTIONS and key is not None else {}
        return Access(action, Resource("oss", tables.oss.region, account, bucket), facts)
    if not key:
        raise ConfigError([f"key: {action} is done to an object; name one"])
    return Access(action, Resource("oss", tables.oss.region, account, f"{bucket}/{key}"))


def _plain(text: str) -> str:
    """Show a text without what a terminal would act on."""
    return json.dumps(text)[1:-1]


def _action(text: str) -> str:
    action = _VERBS.get(text, text)
    if action not in _ACTIONS:
        raise argparse.ArgumentTypeError(
            f"must be {', '.join(_VERBS)}, or one of {', '.join(sorted(_ACTIONS))}"
        )
    return action
