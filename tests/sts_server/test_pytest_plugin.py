"""The pytest plugin, as somebody else's tests meet it: found by its entry point, silent until used."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
THEIRS = """
import sys
import urllib.request

import pytest


@pytest.fixture(scope="session")
def oss_sandbox_options():
    return {"bucket": "their-bucket"}


def test_nothing_of_it_is_loaded_before():
    assert [name for name in sys.modules if name.startswith("sts_server.")] == [
        "sts_server.pytest_plugin"
    ]


def test_it_runs(oss_sandbox):
    assert oss_sandbox.bucket == "their-bucket"
    oss_sandbox.advance(1000)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(oss_sandbox.endpoint)


def test_it_is_one_and_clean(oss_sandbox, clean_oss_sandbox):
    assert clean_oss_sandbox is oss_sandbox
    assert oss_sandbox.requests() == []
"""


def test_the_fixtures(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = project["entry-points"]["pytest11"]
    # As an installed distribution declares it, so that this holds before an install as well.
    info = tmp_path / "path" / "probe-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1\n")
    lines = "\n".join(f"{name} = {target}" for name, target in entries.items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{lines}\n")
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(info.parent), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
