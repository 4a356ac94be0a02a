"""deploy/systemd: judged by systemd-analyze where it is installed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "sts-server.service"
EXPOSURE = 15  # tenths of what systemd-analyze calls exposure; 100 is a service without any bounds
ANALYZE = shutil.which("systemd-analyze")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def setting(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    program = Path(sys.executable).with_name("sts-server")
    text = UNIT.read_text("utf-8").replace("/opt/sts-server/bin/sts-server", str(program))
    copied = tmp_path / UNIT.name
    copied.write_text(text)
    return copied


def analyze(*argv: str | Path) -> str:
    assert ANALYZE is not None
    done = subprocess.run([ANALYZE, *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@needs_systemd
def test_the_unit_is_one(unit: Path) -> None:
    # What it does not understand is a warning, and no failure.
    assert UNIT.name not in analyze("verify", unit)


@needs_systemd
def test_the_unit_may_do_little(unit: Path) -> None:
    analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", unit)


def test_the_unit_starts_what_there_is_to_start() -> None:
    (line,) = setting("ExecStart")
    program, *argv = line.split()
    assert program == "/opt/sts-server/bin/sts-server"
    done = subprocess.run(
        [sys.executable, "-m", "sts_server", *argv], capture_output=True, text=True, check=False
    )
    # It took the words, and misses only the file.
    assert done.returncode != 0
    assert "/etc/sts-server/sts-server.toml" in done.stderr
    assert "usage" not in done.stderr


def test_the_key_reaches_the_server_as_a_file_of_its_own() -> None:
    (loaded,) = setting("LoadCredential")
    name = loaded.partition(":")[0]
    assert f"ALIBABA_CLOUD_CREDENTIALS_FILE=%d/{name}" in setting("Environment")
    assert "ACCESS_KEY_SECRET" not in UNIT.read_text("utf-8")
    assert setting("ExecReload") == ["kill -HUP $MAINPID"]
