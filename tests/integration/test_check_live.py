"""`sts-server check --live` against a cloud that says yes, or each kind of no."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sts_server.callers.api_keys import digest
from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS

POWERLESS = ("LTAI5tPowerless", "PowerlessSecret0123456789")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A cloud with a user who has no right at all."""
    config = tmp_path_factory.mktemp("cloud") / "sandbox.toml"
    config.write_text(f"""
        [[users]]
        name = "powerless"
        access_key_id = "{POWERLESS[0]}"
        access_key_secret = "{POWERLESS[1]}"
    """)
    with Sandbox(config=config) as running:
        yield running


def check(
    cloud: Sandbox, folder: Path, edit: tuple[str, str] = ("", ""), /, **changes: str
) -> tuple[int, list[list[str]]]:
    """Run it: the exit code, and each step as its outcome, name and text."""
    config = folder / "sts-server.toml"
    digests = {caller: digest(key) for caller, key in KEYS.items()}
    text = CONFIG.format(sandbox=cloud, audit="stderr", **digests)
    assert edit[0] in text
    config.write_text(text.replace(*edit))
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key_secret,
        **changes,
    }
    done = subprocess.run(
        [sys.executable, "-m", "sts_server", "check", "--config", config, "--live"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    for secret in (environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], "STS.", "ForgedToken"):
        assert secret not in done.stdout + done.stderr
    assert done.stderr == ""
    words = ("passed", "warning", "failed", "skipped")
    told = [line for line in done.stdout.splitlines() if line.startswith(words)]
    return done.returncode, [[line[:7].strip(), *line[9:].split(": ", 1)] for line in told]


def outcomes(steps: list[list[str]]) -> list[str]:
    return [step[0] for step in steps]


def test_all_is_well(cloud: Sandbox, tmp_path: Path) -> None:
    code, steps = check(cloud, tmp_path)
    assert (code, set(outcomes(steps))) == (0, {"passed"})
    assert [step[1] for step in steps] == [
        "GetCallerIdentity",
        "account of the role",
        "AssumeRole for uploads",
        "AssumeRole for everything",
        "AssumeRole for the 3600 s of uploads",
        "clock",
    ]
    assert steps[0][2] == "RAMUser acs:ram::1234567890123456:user/sandbox"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAInobody"}, "InvalidAccessKeyId.NotFound: our key is"),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "NotTheSecret"},
            "InvalidAccessKeySecret: our secret is wrong",
        ),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "ForgedToken"}, "our own token is wrong"),
    ],
)
def test_a_wrong_key(cloud: Sandbox, tmp_path: Path, changes: dict[str, str], told: str) -> None:
    code, steps = check(cloud, tmp_path, ("", ""), **changes)
    assert (code, outcomes(steps)) == (1, ["failed", *["skipped"] * 4])
    assert told in steps[0][2]


def test_a_user_without_the_right(cloud: Sandbox, tmp_path: Path) -> None:
    key = dict(
        zip(
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            POWERLESS,
            strict=True,
        )
    )
    code, steps = check(cloud, tmp_path, ("", ""), **key)
    assert (code, outcomes(steps)) == (1, ["passed", "passed", *["failed"] * 3, "skipped"])
    assert "NoPermission: the RAM user needs AliyunSTSAssumeRoleAccess" in steps[2][2]


def test_a_role_of_another_account(cloud: Sandbox, tmp_path: Path) -> None:
    role = "acs:ram::9999999999999999:role/other"
    code, steps = check(cloud, tmp_path, (cloud.role_arn, role))
    assert (code, outcomes(steps)[:3]) == (1, ["passed", "warning", "failed"])


def test_a_grant_that_lasts_longer_than_the_role_allows(cloud: Sandbox, tmp_path: Path) -> None:
    longer = ('name = "everything"', 'name = "everything"\nduration = 7200')
    code, steps = check(cloud, tmp_path, longer)
    assert (code, outcomes(steps)) == (1, [*["passed"] * 4, "failed", "passed"])
    assert steps[4][1] == "AssumeRole for the 7200 s of everything"
    assert "MaxSessionDuration" in steps[4][2]


def test_nobody_is_there(cloud: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    old = f'endpoint = "{cloud.sts_endpoint}"\n[[callers'
    code, steps = check(cloud, tmp_path, (old, f'endpoint = "{endpoint}"\n[[callers'))
    assert (code, outcomes(steps)) == (1, ["failed", *["skipped"] * 4])
    assert steps[0][2] == f"{endpoint}: nobody listens there"


def test_a_clock_that_is_too_far_off(cloud: Sandbox, tmp_path: Path) -> None:
    cloud.fault(service="sts", skew=1200)
    code, steps = check(cloud, tmp_path)
    cloud.clear_faults()
    assert (code, outcomes(steps)) == (1, ["failed", *["skipped"] * 4])
    assert "clock is more than 15 minutes off" in steps[0][2]


def test_a_clock_that_is_off_a_little(cloud: Sandbox, tmp_path: Path) -> None:
    cloud.advance(300)
    code, steps = check(cloud, tmp_path)
    cloud.reset()
    assert (code, steps[-1][:2]) == (0, ["warning", "clock"])
    assert "s behind that of STS" in steps[-1][2]
