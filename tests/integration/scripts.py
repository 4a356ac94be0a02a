"""Scripts in Node, where an SDK is one for JavaScript: run once, they print what came of each call."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sts_server.sandbox import Sandbox

FOLDER = Path(__file__).parent / "node"


def run_script(name: str, sandbox: Sandbox, **environ: str) -> dict[str, Any]:
    """Run a script of the folder `node`; give what each of its calls gave, by name.

    Args:
        name: of its file.
        sandbox: whose bucket it works on.
        environ: environment variables it reads beyond those.
    """
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("Node or its packages are missing; `make test` says how to get them")
    bucket = {
        "ENDPOINT": sandbox.browser_endpoint,
        "BUCKET": sandbox.bucket,
        "REGION": f"oss-{sandbox.region}",
    }
    done = subprocess.run(
        [node, name],
        cwd=FOLDER,
        env={**os.environ, **bucket, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers
