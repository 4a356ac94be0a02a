"""Fixtures of the command line's tests: one command in this process."""

import argparse
from pathlib import Path

import pytest

from sts_server.cli import cors, explain, policy
from sts_server.cli.exits import USAGE
from sts_server.errors import ConfigError
from tests.sts_server.cli.parts import Done, Run
from tests.sts_server.parts import CONFIG, TEAM


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sts-server.toml"
    path.write_text(CONFIG + TEAM)
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the configuration, without the program around it: that sets up logs."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    for command in (policy, explain, cors):
        command.add_to(commands)

    def run(command: str, *words: str) -> Done:
        complaint = ""
        try:
            options = parser.parse_args([command, "--config", str(config), *words])
            code = int(options.run(options, {}))
        except SystemExit as usage:
            code = int(usage.code or 0)
        except ConfigError as error:
            code, complaint = USAGE, str(error)
        out, err = capsys.readouterr()
        return Done(code, out, err + complaint)

    return run
