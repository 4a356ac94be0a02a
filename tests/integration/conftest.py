"""One sandbox for all integration tests, and a lease on `users/alice/` made through the real SDK."""

import json
from collections.abc import Iterator

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_server.sandbox import Sandbox

PREFIX = "users/alice/"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def lease(sandbox: Sandbox) -> dict[str, str]:
    """Five keys as a credentials URI gives them."""
    bucket = f"acs:oss:*:*:{sandbox.bucket}"
    objects = ["oss:GetObject", "oss:PutObject", "oss:DeleteObject"]
    policy = {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": objects, "Resource": [f"{bucket}/{PREFIX}*"]},
            {
                "Effect": "Allow",
                "Action": ["oss:ListObjects"],
                "Resource": [bucket],
                "Condition": {"StringLike": {"oss:Prefix": [f"{PREFIX}*"]}},
            },
        ],
    }
    request = AssumeRoleRequest()
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_protocol_type("http")
    request.set_RoleArn(sandbox.role_arn)
    request.set_RoleSessionName("alice")
    request.set_DurationSeconds(900)
    request.set_Policy(json.dumps(policy, separators=(",", ":")))
    client = AcsClient(sandbox.access_key_id, sandbox.access_key_secret, sandbox.region)
    answer = json.loads(client.do_action_with_exception(request))
    return {"Code": "Success", **answer["Credentials"]}
