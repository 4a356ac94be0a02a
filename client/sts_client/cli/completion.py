"""`sts-client completion`: prints what a shell needs to complete this program's words."""

import argparse

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.exits import DONE, Failed

_FILES = {"file", "manifest", "source", "target", "token_file"}
_FOLDERS = {"disk_cache"}


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "completion", "print the completion of a shell")
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Print it; raises Failed if the library that writes it is not there."""
    try:
        import shtab  # noqa: PLC0415 - of an extra
    except ImportError:
        raise Failed('completion needs shtab: pip install "oss-sts[cli]"') from None
    root: argparse.ArgumentParser = options.root
    for parser in (root, *_commands_of(root)):
        for action in parser._actions:  # noqa: SLF001 - argparse has no public way to them
            if action.dest in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # as shtab documents
            elif action.dest in _FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # the same
    with setting.streams.written() as file:
        file.write(shtab.complete(root, options.shell).encode())
    return DONE


def _commands_of(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    chosen = parser._subparsers  # noqa: SLF001 - argparse has no public way to them
    groups = chosen._group_actions if chosen else []  # noqa: SLF001 - the same
    return [each for group in groups for each in dict(group.choices or {}).values()]
