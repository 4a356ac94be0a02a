"""`sts-server new-key`: makes an API key and the lines for the configuration."""

import argparse
import re
import sys
from collections.abc import Mapping
from typing import Final

from sts_server.callers.api_keys import digest, new_key
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE
from sts_server.clock import Clock, system_clock, to_wire
from sts_server.errors import ConfigError
from sts_server.prefix import is_safe_value

_DAY: Final = 86_400  # seconds
_LONGEST: Final = 3650  # days


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("new-key", help="make an API key for a caller")
    parser.add_argument("name", help="the caller's id")
    parser.add_argument("--days", type=_days, metavar="N", help="after which the key is over")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Mapping[str, str], *, clock: Clock = system_clock) -> int:
    """Make one; raises ConfigError for a name that cannot be a caller's."""
    name: str = options.name
    if not is_safe_value(name):
        raise ConfigError(
            ["the name must be 1-64 letters, digits or ._@+=,:|~- and not '.' or '..'"]
        )
    key = new_key()
    line = f'"{digest(key)}"'
    if options.days is not None:
        line = f"{{ digest = {line}, expires = {to_wire(clock() + options.days * _DAY)} }}"
    # The blank line parts it from what a file it is appended to may end in.
    print(f'\n[[callers.api_key]]\nid = "{name}"\nsha256 = [{line}]', flush=True)
    print(
        f"# Add the lines above to the configuration. If {name} is in there already, add to\n"
        f"# their sha256 only what the brackets hold: then both keys work.\n"
        f"# The key of {name}, shown only now:\n{key}",
        file=sys.stderr,
    )
    return DONE


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _LONGEST:
        raise argparse.ArgumentTypeError(f"must be whole days from 1 to {_LONGEST}")
    return int(text)
