"""Schemathesis, given nothing but openapi.json, against a real server: what the file says is true."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sts_server import http
from sts_server.sandbox import Sandbox
from sts_server.sandbox.remote import Fault
from tests.integration.house import KEYS, Server, vending_server

FILE = Path(http.__path__[0], "openapi.json")
CALLS_A_MINUTE = 30
FAITH = "status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
# Whether a resource survives its deletion, or is another's, is not asked where all is only read.
ALL_BUT = "use_after_free,ensure_resource_availability,object_level_authorization"


@pytest.fixture
def fresh(sandbox: Sandbox, tmp_path: Path) -> Iterator[Server]:
    """A server that has vended nothing yet."""
    with vending_server(sandbox, tmp_path) as running:
        yield running
    sandbox.clear_faults()


def explore(server: Server, folder: Path, *wish: str) -> str:
    """Let schemathesis make its requests; give its report."""
    program = Path(sys.executable).with_name("schemathesis")
    fixed = ("--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings=off")
    done = subprocess.run(
        [
            *(program, "run", FILE, "--url", server.url),
            *("--header", f"Authorization: Bearer {KEYS['alice']}", *fixed, *wish),
        ],
        cwd=folder,  # where a configuration of its own would be looked for
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    report = done.stdout + done.stderr
    assert done.returncode == 0, report
    return report


def codes(server: Server) -> set[str]:
    """Tell what was decided: `vended`, and the codes of refusals."""
    return {line.get("code", line["outcome"]) for line in server.audit()}


def test_what_the_file_says_is_what_the_server_does(fresh: Server, tmp_path: Path) -> None:
    report = explore(fresh, tmp_path, "--max-examples=40", f"--exclude-checks={ALL_BUT}")
    assert " failed" not in report
    operations = json.loads(FILE.read_bytes())["paths"].values()
    count = sum(len(set(item) - {"parameters"}) for item in operations)
    assert f"Tested: {count}" in report
    # It has been everywhere: with wishes of the file's and of its own, with and without a proof.
    refused = {"InvalidArgument", "Unauthenticated", "GrantDenied"}
    assert codes(fresh) == {"vended", "listed"} | refused


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"service": "sts", "status": 400, "code": "Throttling.User"}, "UpstreamThrottled"),
        ({"service": "sts", "cut": "before"}, "UpstreamUnavailable"),
        ({"service": "sts", "status": 403, "code": "NoPermission"}, "UpstreamRefused"),
    ],
)
def test_a_failing_sts_is_answered_as_the_file_says(
    sandbox: Sandbox, fresh: Server, tmp_path: Path, fault: Fault, code: str
) -> None:
    sandbox.fault(**fault)
    explore(fresh, tmp_path, "--phases=examples", f"--checks={FAITH}")
    assert codes(fresh) == {code}


def test_too_many_wishes_are_answered_as_the_file_says(fresh: Server, tmp_path: Path) -> None:
    for number in range(CALLS_A_MINUTE):
        fresh.lease(prefix=f"users/alice/{number}/")
    explore(fresh, tmp_path, "--phases=examples", f"--checks={FAITH}")
    assert codes(fresh) == {"vended", "TooManyRequests"}


def test_the_file_is_for_everybody(shared: Server) -> None:
    answer = requests.get(f"{shared.url}/openapi.json", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.content == FILE.read_bytes()
    assert requests.head(f"{shared.url}/openapi.json", timeout=10).content == b""
