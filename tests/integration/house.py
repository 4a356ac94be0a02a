"""The vending server as a program of its own, in front of a sandbox: what all end-to-end tests stand on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

import sts_client
from sts_server.callers.api_keys import digest
from sts_server.sandbox import Sandbox

KEYS = {"alice": "osk_" + "a" * 43, "bob": "osk_" + "b" * 43}

CONFIG = """
[server]
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"
audit = "{audit}"
[oss]
bucket = "{sandbox.bucket}"
region = "{sandbox.region}"
endpoint = "{sandbox.endpoint}"
[sts]
role_arn = "{sandbox.role_arn}"
endpoint = "{sandbox.sts_endpoint}"
[[callers.api_key]]
id = "alice"
sha256 = ["{alice}"]
[[callers.api_key]]
id = "bob"
sha256 = ["{bob}"]
[[grants]]
name = "uploads"
prefix = "users/{{caller}}/"
actions = ["get", "put", "list"]
who = {{ callers = ["*"] }}
[[grants]]
name = "everything"
prefix = "users/{{caller}}/"
actions = ["get", "put", "list", "delete"]
who = {{ callers = ["alice"] }}
"""


@dataclass(frozen=True)
class Server:
    """A running vending server."""

    url: str
    config_path: Path
    audit_path: Path
    log_path: Path
    process: subprocess.Popen[str]
    metrics_url: str

    def lease(self, caller: str = "alice", grant: str = "uploads", **wish: str) -> dict[str, Any]:
        """Ask for a lease as any HTTP client would."""
        answer = requests.get(
            f"{self.url}/v1/credentials/{grant}",
            params=wish,
            headers={"Authorization": f"Bearer {KEYS[caller]}"},
            timeout=30,
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def connect(
        self, caller: str = "alice", grant: str = "uploads", **wish: Any
    ) -> sts_client.Bucket:
        """Connect as a user of our client does."""
        return sts_client.connect(self.url, grant=grant, token=KEYS[caller], **wish)

    def audit(self) -> list[dict[str, Any]]:
        """Read the audit log."""
        return [json.loads(line) for line in self.audit_path.read_text().splitlines()]

    def log(self) -> str:
        """Read what it wrote on standard error."""
        return self.log_path.read_text()


@contextmanager
def vending_server(
    sandbox: Sandbox, folder: Path, config_text: str = CONFIG, **changes: str
) -> Iterator[Server]:
    """Run `sts-server serve` in front of a sandbox until the block ends.

    Args:
        sandbox: its STS and OSS.
        folder: for the configuration, the audit log and what it writes on standard error.
        config_text: a template of its configuration.
        changes: environment variables to set for the server.
    """
    audit = folder / "audit.jsonl"
    digests = {caller: digest(key) for caller, key in KEYS.items()}
    config = folder / "sts-server.toml"
    config.write_text(config_text.format(sandbox=sandbox, audit=audit, **digests))
    log = folder / "server.log"
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.access_key_secret,
    }
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "sts_server", "serve", "--config", config],
            env=os.environ | environ | changes,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        assert ready, log.read_text()
        told = json.loads(ready)
        _wait_for_probe(told["url"])
        yield Server(told["url"], config, audit, log, process, told["metrics_url"])
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait_for_probe(url: str) -> None:
    """Let the first probe end, so that a fault which a test sets strikes what it is meant for."""
    for _ in range(600):
        if requests.get(f"{url}/readyz", timeout=10).json()["why"] != "starting":
            return
        time.sleep(0.05)
    raise AssertionError("the first probe does not end")


def whole_bucket(sandbox: Sandbox) -> dict[str, str]:
    """Assume the role of a sandbox as it is: all that can be done with one bucket.

    Args:
        sandbox: whose role.
    """
    return assume(sandbox, {"RoleSessionName": "whole"})


def lease_by_hand(sandbox: Sandbox, seconds: int = 900) -> dict[str, str]:
    """Make a lease without the server: to get, put, list and delete below `users/alice/`.

    Args:
        sandbox: its STS.
        seconds: how long it lives.
    """
    bucket = f"acs:oss:*:*:{sandbox.bucket}"
    objects = ["oss:GetObject", "oss:PutObject", "oss:DeleteObject"]
    policy = {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": objects, "Resource": [f"{bucket}/users/alice/*"]},
            {
                "Effect": "Allow",
                "Action": ["oss:ListObjects"],
                "Resource": [bucket],
                "Condition": {"StringLike": {"oss:Prefix": ["users/alice/*"]}},
            },
        ],
    }
    text = json.dumps(policy, separators=(",", ":"))
    wish = {"RoleSessionName": "alice", "DurationSeconds": seconds, "Policy": text}
    return {"Code": "Success", **assume(sandbox, wish)}


def assume(
    sandbox: Sandbox, wish: dict[str, object], key: tuple[str, str] | None = None
) -> dict[str, str]:
    """Assume a role by the official SDK.

    Args:
        sandbox: its STS.
        wish: the parameters of AssumeRole; the sandbox's role by default.
        key: who assumes it, an id and a secret; the sandbox's user by default.
    """
    request = AssumeRoleRequest()
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_protocol_type("http")
    for name, value in {"RoleArn": sandbox.role_arn, **wish}.items():
        request.add_query_param(name, value)
    client = AcsClient(*(key or (sandbox.access_key_id, sandbox.access_key_secret)), sandbox.region)
    answer = json.loads(client.do_action_with_exception(request))
    client.session.close()
    keys: dict[str, str] = answer["Credentials"]
    return keys
