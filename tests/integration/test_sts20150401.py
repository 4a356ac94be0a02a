"""alibabacloud-sts20150401, unmodified, against the sandbox: ACS3 by default, RPC V1 on wish."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from alibabacloud_sts20150401 import models
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

from sts_server.sandbox import Sandbox

ALGORITHMS = [None, "v2"]
POLICY = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "oss:GetObject",
            "Resource": "acs:oss:*:*:examplebucket/a b~*",
        }
    ],
}


def client(sandbox: Sandbox, algorithm: str | None, **change: Any) -> Client:
    config = {
        "access_key_id": sandbox.access_key_id,
        "access_key_secret": sandbox.access_key_secret,
        "endpoint": sandbox.sts_endpoint.removeprefix("http://"),
        "protocol": "http",
        **change,
    }
    return Client(Config(signature_algorithm=algorithm, **config))


def assume(sandbox: Sandbox, **change: Any) -> models.AssumeRoleRequest:
    wish = {"role_arn": sandbox.role_arn, "role_session_name": "alice", **change}
    return models.AssumeRoleRequest(**wish)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_assume_role(sandbox: Sandbox, algorithm: str | None) -> None:
    wish = assume(sandbox, duration_seconds=900, policy=json.dumps(POLICY), source_identity="alice")
    body = client(sandbox, algorithm).assume_role(wish).body
    assert body.credentials.access_key_id.startswith("STS.")
    life = datetime.fromisoformat(body.credentials.expiration) - sandbox.now()
    assert timedelta(seconds=890) < life <= timedelta(seconds=900)
    assert (body.assumed_role_user.arn, body.source_identity) == (
        f"{sandbox.role_arn}/alice",
        "alice",
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_session_says_who_it_is(sandbox: Sandbox, algorithm: str | None) -> None:
    keys = client(sandbox, algorithm).assume_role(assume(sandbox)).body.credentials
    session = client(
        sandbox,
        algorithm,
        access_key_id=keys.access_key_id,
        access_key_secret=keys.access_key_secret,
        security_token=keys.security_token,
    )
    body = session.get_caller_identity().body
    assert (body.identity_type, body.arn) == ("AssumedRoleUser", f"{sandbox.role_arn}/alice")


def test_an_endpoint_that_is_a_whole_url(sandbox: Sandbox) -> None:
    """The Host header is then that URL, and is signed so."""
    whole = client(sandbox, None, endpoint=sandbox.sts_endpoint)
    assert whole.get_caller_identity().body.identity_type == "RAMUser"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("change", "wish", "code"),
    [
        ({"access_key_secret": "wrong"}, {}, "SignatureDoesNotMatch"),
        ({"access_key_id": "LTAInobody"}, {}, "InvalidAccessKeyId.NotFound"),
        ({"security_token": "CAISwrong"}, {}, "InvalidSecurityToken.MismatchWithAccessKey"),
        ({}, {"role_session_name": "a b"}, "InvalidParameter.RoleSessionName"),
        ({}, {"duration_seconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({}, {"role_arn": "acs:ram::1234567890123456:role/else"}, "NoPermission"),
    ],
)
def test_refusals(
    sandbox: Sandbox, algorithm: str | None, change: dict[str, Any], wish: dict[str, Any], code: str
) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        client(sandbox, algorithm, **change).assume_role(assume(sandbox, **wish))
    assert caught.value.code == code
