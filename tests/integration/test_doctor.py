"""The doctor against the sandbox: healthy leases, and each illness that it should find."""

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import oss2
import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, Server, vending_server, whole_bucket
from tests.integration.shell import PROGRAM, sts_client, surroundings
from tests.sts_client.stage import Stage, json_answer, lease_body, serving

ORIGIN = "https://app.example.com"
VENDOR = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tVendor",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "VendorSecret",
}
RULE = """
[[users]]
name = "vendor"
access_key_id = "LTAI5tVendor"
access_key_secret = "VendorSecret"
policies = ['''{{"Version": "1", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}]}}''']
[[roles]]
name = "wide"
policies = ['''{{"Version": "1", "Statement": [{{"Effect": "Allow", "Action": "oss:*", "Resource": "*"}}]}}''']
[[buckets]]
name = "examplebucket"
acl = "private"
versioning = {versioning}
[[buckets.cors]]
origins = ["https://app.example.com"]
methods = ["GET", "PUT", "DELETE", "HEAD", "POST"]
headers = ["*"]
exposed = [{exposed}]
"""


class Examination:
    """What one run of the doctor said."""

    def __init__(self, server: Server, *argv: str, **more: Any) -> None:
        done = sts_client(server, "doctor", "--json", *argv, check=False, **more)
        assert done.stderr == ""
        *steps, summary = [json.loads(line) for line in done.stdout.splitlines()]
        self.code = done.returncode
        self.steps = {step["step"]: step for step in steps}
        self.summary = summary["summary"]
        assert self.code == (1 if self.summary["failed"] else 0)

    def failed(self) -> set[str]:
        """Give the steps that failed, each of which says what to do."""
        found = {name: step for name, step in self.steps.items() if step["outcome"] == "failed"}
        assert all(step["advice"] for step in found.values())
        return set(found)


def left(server: Server) -> str:
    """List what is there."""
    return sts_client(server, "ls", "oss://examplebucket").stdout


@pytest.mark.parametrize("grant", ["everything", "uploads"])
def test_a_healthy_lease(shared: Server, grant: str) -> None:
    before = left(shared)
    found = Examination(shared, grant=grant)
    assert found.failed() == set()
    assert found.steps["write"]["outcome"] == "passed"
    assert found.steps["link to the outside"]["outcome"] == "passed"
    if grant == "everything":
        assert found.steps["clean up"]["outcome"] == "passed"
        assert left(shared) == before
    else:
        # It may not delete, so it says what it has to leave, which is empty.
        assert found.steps["delete without the right"]["outcome"] == "passed"
        assert found.steps["clean up"]["outcome"] == "skipped"
        more = set(left(shared).splitlines()) - set(before.splitlines())
        assert len(more) == 2
        assert all(line.split()[1] == "0" for line in more)
        assert all(line.split()[2] in found.steps["clean up"]["says"] for line in more)


def test_words_for_people(shared: Server) -> None:
    done = sts_client(shared, "doctor")
    assert done.stdout.splitlines()[-1] == "21 passed, 0 failed, 1 skipped"
    quiet = sts_client(shared, "doctor", "--quiet")
    assert quiet.stdout == ""


@pytest.fixture
def owner(sandbox: Sandbox) -> Iterator[oss2.Bucket]:
    """Whoever may do all."""
    session = oss2.Session()
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    yield oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )
    session.session.close()


def probes(owner: oss2.Bucket) -> set[str]:
    """Give all that any run of the doctor has left anywhere."""
    return {each.key for each in oss2.ObjectIteratorV2(owner) if "sts-doctor" in each.key}


def said(sandbox: Sandbox, prefix: str, actions: list[str]) -> dict[str, Any]:
    """Give a lease that may do all in the bucket, whatever it says."""
    now = datetime.now(UTC)
    form = "%Y-%m-%dT%H:%M:%SZ"
    keys = whole_bucket(sandbox)
    return lease_body(
        AccessKeyId=keys["AccessKeyId"],
        AccessKeySecret=keys["AccessKeySecret"],
        SecurityToken=keys["SecurityToken"],
        Expiration=keys["Expiration"],
        LastUpdated=(now - timedelta(seconds=1)).strftime(form),
        RefreshAfter=None,
        ServerTime=now.strftime(form),
        Region=sandbox.region,
        Bucket=sandbox.bucket,
        Endpoint=sandbox.endpoint,
        Style="path",
        Prefix=prefix,
        Actions=actions,
    )


@pytest.fixture
def lying(sandbox: Sandbox) -> Iterator[Stage]:
    """A server of leases that may do all in the bucket, and say that they may little."""
    body = said(sandbox, "users/alice/", ["get", "put"])
    with serving(lambda _: json_answer(body)) as stage:
        yield stage


def test_a_lease_that_reaches_too_far_is_found(
    lying: Stage, shared: Server, owner: oss2.Bucket
) -> None:
    before = probes(owner)
    failed = Examination(shared, environ={"OSS_STS_SERVER": lying.url}).failed()
    assert {"list", "delete without the right", "link to the outside"} <= failed
    outside = {name.split()[0] for name in failed if "oss://" in name}
    assert outside == {"read", "write", "delete", "list"}
    # What it could write where it should not, it has removed.
    assert probes(owner) == before


def test_a_link_to_what_is_there(lying: Stage, shared: Server, owner: oss2.Bucket) -> None:
    owner.put_object("users/bob/x", b"secret")
    found = Examination(shared, "--outside", "users/bob/x", environ={"OSS_STS_SERVER": lying.url})
    assert "it was read through the link" in found.steps["link to the outside"]["says"]
    healthy = Examination(shared, "--outside", "users/bob/x")
    assert healthy.steps["link to the outside"]["outcome"] == "passed"


def test_a_lease_for_the_whole_bucket(shared: Server, sandbox: Sandbox, owner: oss2.Bucket) -> None:
    before = probes(owner)
    body = said(sandbox, "", ["get", "put", "list", "delete"])
    with serving(lambda _: json_answer(body)) as stage:
        found = Examination(shared, environ={"OSS_STS_SERVER": stage.url})
    assert found.failed() == set()
    assert found.steps["outside"]["outcome"] == "skipped"
    assert probes(owner) == before


def test_a_lease_for_one_object_leaves_it_alone(
    shared: Server, sandbox: Sandbox, owner: oss2.Bucket
) -> None:
    owner.put_object("users/alice/one.csv", b"precious")
    body = said(sandbox, "users/alice/one.csv", ["get", "put"])
    with serving(lambda _: json_answer(body)) as stage:
        found = Examination(shared, environ={"OSS_STS_SERVER": stage.url})
    assert found.steps["write"]["outcome"] == "skipped"
    assert any(step.startswith("read oss://") for step in found.failed())
    assert owner.get_object("users/alice/one.csv").read() == b"precious"


@pytest.mark.parametrize("trusted", [True, False])
def test_tls(tmp_path: Path, trusted: bool) -> None:
    secure = CONFIG.replace("{sandbox.endpoint}", "{sandbox.tls_endpoint}")
    with (
        Sandbox(tls_port=0) as sandbox,
        vending_server(sandbox, tmp_path, secure) as server,
    ):
        bundle = {"REQUESTS_CA_BUNDLE": sandbox.ca_file} if trusted else {}
        found = Examination(server, environ=bundle)
        step = found.steps[f"OSS {sandbox.tls_endpoint}"]
    if trusted:
        assert found.failed() == set()
        assert step["says"] == "answers, with a certificate that is accepted"
    else:
        assert step["outcome"] == "failed"
        assert "could not prove its identity" in step["says"]


@pytest.mark.parametrize(
    ("versioning", "exposed", "allow", "failed"),
    [
        ("false", '"ETag", "x-oss-request-id"', True, set()),
        (
            "false",
            '"x-oss-request-id"',
            False,
            {"CORS of the bucket: GET", "CORS of the bucket: PUT", "CORS of the vending server"},
        ),
        ("true", '"ETag"', True, {"forbid-overwrite"}),
    ],
)
def test_versions_and_cors(
    tmp_path: Path, versioning: str, exposed: str, allow: bool, failed: set[str]
) -> None:
    config = tmp_path / "sandbox.toml"
    there = CONFIG.replace("{sandbox.bucket}", "examplebucket").replace(
        "{sandbox.role_arn}", "acs:ram::1234567890123456:role/wide"
    )
    if allow:
        there = there.replace("[oss]", f'allow_origins = ["{ORIGIN}"]\n[oss]')
    config.write_text(RULE.format(versioning=versioning, exposed=exposed))
    with (
        Sandbox(bucket="otherbucket", config=config) as sandbox,
        vending_server(sandbox, tmp_path, there, **VENDOR) as server,
    ):
        found = Examination(server, "--origin", ORIGIN)
        assert found.failed() == failed
        if versioning == "true":
            assert "versions" in found.steps["forbid-overwrite"]["says"]
            assert "versions" in found.steps["clean up"]["says"]


def test_without_cors(shared: Server) -> None:
    failed = Examination(shared, "--origin", ORIGIN).failed()
    assert failed == {
        *(f"CORS of the bucket: {method}" for method in ("GET", "PUT", "DELETE")),
        "CORS of the vending server",
    }


def test_a_clock_that_is_wrong(shared: Server, sandbox: Sandbox) -> None:
    sandbox.fault(service="oss", skew=3600)
    try:
        found = Examination(shared)
    finally:
        sandbox.clear_faults()
    assert found.failed() == {"keys and signature"}
    assert "15 minutes" in found.steps["keys and signature"]["says"]
    assert "NTP" in found.steps["keys and signature"]["advice"]
    assert found.steps["all else"]["outcome"] == "skipped"


def test_a_server_that_is_away(shared: Server) -> None:
    found = Examination(shared, environ={"OSS_STS_SERVER": "http://127.0.0.1:9"})
    assert found.failed() == {"vending server http://127.0.0.1:9", "lease"}


def test_one_that_stands_in_is_looked_at_too(shared: Server) -> None:
    found = Examination(shared, environ={"OSS_STS_SERVER": f"{shared.url},http://127.0.0.1:9"})
    assert found.failed() == {"vending server http://127.0.0.1:9"}


def test_a_grant_that_is_refused(shared: Server) -> None:
    found = Examination(shared, grant="nothing")
    assert found.failed() == {"lease"}


def test_oss_that_is_away(shared: Server) -> None:
    found = Examination(shared, "--endpoint", "http://127.0.0.1:9")
    assert found.failed() == {"OSS http://127.0.0.1:9", "keys and signature"}


def test_the_probe_goes_though_a_step_breaks(shared: Server, sandbox: Sandbox) -> None:
    before = left(shared)
    sandbox.fault(operation="GetObject", status=500, code="InternalError")
    try:
        found = Examination(shared)
    finally:
        sandbox.clear_faults()
    assert "read" in found.failed()
    assert left(shared) == before


def test_the_probe_goes_though_it_is_interrupted(shared: Server, sandbox: Sandbox) -> None:
    before = left(shared)
    sandbox.fault(operation="GetObject", latency=3.0)
    process = subprocess.Popen(
        [*PROGRAM, "doctor"], env=surroundings(shared), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        while "write:" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        sandbox.clear_faults()
    assert process.returncode == 130
    assert "the probes are removed" in said
    assert left(shared) == before
