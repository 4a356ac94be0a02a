"""Options that all commands share: said before the command's name, or behind it."""

import argparse
from typing import Never


def shared(*, again: bool = False) -> argparse.ArgumentParser:
    """Return a parser to take them from.

    Args:
        again: for a command, where what is not said again stays as it was said before its name.
    """
    # Without abbreviations: else --token would be taken for --token-file.
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS if again else None
    )
    add = parser.add_argument_group("where leases come from").add_argument
    add(
        "--server",
        action="append",
        metavar="URL",
        help="of the vending server (OSS_STS_SERVER); said again: others that stand in for it",
    )
    add("--grant", metavar="NAME", help="what to ask it for (OSS_STS_GRANT)")
    add("--token-file", metavar="FILE", help="holds the bearer token (or OSS_STS_TOKEN does)")
    add("--duration", type=int, metavar="SECONDS", help="that leases should live")
    add(
        "--disk-cache", metavar="DIR", help="share leases with processes of yours; wants --identity"
    )
    add("--identity", metavar="WHO", help="whose leases those are, in any words")
    add("--endpoint", metavar="URL", help="reach OSS here and not where the server says")
    add("--allow-http", action="store_true", help="http:// to other machines, too: insecure")
    # Unknown, it would be an error that repeats what stands behind it.
    add("--token", nargs="?", action=_NoToken, help=argparse.SUPPRESS)
    add = parser.add_argument_group("what is said").add_argument
    add("--json", action="store_true", help="one JSON object a line, errors too")
    add("--quiet", action="store_true", help="only what was asked for, and what went wrong")
    return parser


class _NoToken(argparse.Action):
    """Refuses a token on the command line and does not repeat it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _names: object,
        _token: object,
        _option: object = None,
    ) -> Never:
        parser.error(
            "a token does not belong on the command line, where everybody on this machine can "
            "read it: use --token-file, or set OSS_STS_TOKEN"
        )
