"""`sts-server new-key`: makes an API key and the lines for the configuration."""

import argparse
import sys
from collections.abc import Mapping

from sts_server.callers.api_keys import digest, new_key
from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE
from sts_server.errors import ConfigError
from sts_server.prefix import is_safe_value


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("new-key", help="make an API key for a caller")
    parser.add_argument("name", help="the caller's id")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Make one; raises ConfigError for a name that cannot be a caller's."""
    name: str = options.name
    if not is_safe_value(name):
        raise ConfigError(
            ["the name must be 1-64 letters, digits or ._@+=,:|~- and not '.' or '..'"]
        )
    key = new_key()
    # The blank line parts it from what a file it is appended to may end in.
    print(f'\n[[callers.api_key]]\nid = "{name}"\nsha256 = ["{digest(key)}"]', flush=True)
    print(
        f"# Add the lines above to the configuration. If {name} is in there already, add only the\n"
        f"# digest to their sha256: then both keys work.\n"
        f"# The key of {name}, shown only now:\n{key}",
        file=sys.stderr,
    )
    return DONE
