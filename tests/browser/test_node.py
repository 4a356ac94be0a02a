"""leases.js without a browser: what Node's own test runner says, file by file."""

import shutil
import subprocess

import pytest

from tests.browser.house import HERE


@pytest.mark.parametrize("about", ["freshness", "leases", "failures"])
def test_what_it_promises(about: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing; `make test` says how to get it")
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", f"{about}.test.mjs"],
        cwd=HERE / "node",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "ℹ fail 0" in done.stdout
