"""One sandbox and one vending server for all integration tests, and leases on `users/alice/`."""

import json
from collections.abc import Iterator

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_server.sandbox import Sandbox
from tests.integration.house import Server, vending_server

PREFIX = "users/alice/"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def shared(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The vending server in front of the common sandbox."""
    with vending_server(sandbox, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def lease(shared: Server) -> dict[str, str]:
    """A vended lease to get, put, list and delete, as its readers see it. Let it live."""
    return shared.lease(grant="everything")


@pytest.fixture
def own_lease(sandbox: Sandbox) -> dict[str, str]:
    """The same made by hand, for tests that let it expire."""
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
    client.session.close()
    return {"Code": "Success", **answer["Credentials"]}
