"""What is built is whole: what programs, pages and people need is in the wheel, and in the sdist."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {path.name for path in (ROOT / "client/browser").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
    assert {"leases.js", "leases.d.ts", "oss.js", "errors.js", "freshness.js"} <= PAGES
    assert {f"sts_server/browser/{name}" for name in PAGES} <= names
    assert {"sts_server/http/openapi.json", "sts_client/py.typed"} <= names
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]


def test_the_source(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {f"client/browser/{name}" for name in PAGES} <= names
    assert {"README.md", "Makefile", "tests/browser/document.html"} <= names
    assert not [name for name in names if "node_modules/" in name]
