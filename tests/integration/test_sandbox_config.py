"""A sandbox with the example configuration: its user, its role with an external id, its bucket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_server.sandbox import Sandbox
from tests.integration.signed import Call, Lease, send

EXAMPLE = Path(__file__).parents[2] / "deploy" / "sandbox.toml"
APP = {"AccessKeyId": "LTAI5tExampleApp", "AccessKeySecret": "ExampleAppSecret0123456789"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(config=EXAMPLE) as running:
        yield running


def assume(sandbox: Sandbox, external_id: str | None, seconds: int = 7200) -> Lease:
    client = AcsClient(APP["AccessKeyId"], APP["AccessKeySecret"], sandbox.region)
    request = AssumeRoleRequest()
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_protocol_type("http")
    request.set_RoleArn("acs:ram::1234567890123456:role/readers")
    request.set_RoleSessionName("app")
    request.set_DurationSeconds(seconds)
    if external_id is not None:
        request.set_ExternalId(external_id)
    try:
        lease: Lease = json.loads(client.do_action_with_exception(request))["Credentials"]
    finally:
        client.session.close()
    return lease


def test_what_the_file_says_is_enforced(sandbox: Sandbox) -> None:
    lease = assume(sandbox, "the-app")
    missing = Call("GET", "a.txt", body=None, bucket="archive")
    assert send(sandbox, lease, missing)[:2] == (404, "NoSuchKey")
    denied = (403, "AccessDenied", "0003-00000201")
    assert send(sandbox, lease, Call(bucket="archive")) == denied
    assert send(sandbox, lease, Call("GET", body=None)) == denied
    assert send(sandbox, APP, missing) == denied


@pytest.mark.parametrize(
    ("external_id", "seconds", "code"),
    [
        (None, 7200, "NoPermission"),
        ("another", 7200, "NoPermission"),
        ("the-app", 7201, "InvalidParameter.DurationSeconds"),
    ],
)
def test_who_may_not(sandbox: Sandbox, external_id: str | None, seconds: int, code: str) -> None:
    with pytest.raises(ServerException) as refused:
        assume(sandbox, external_id, seconds)
    assert refused.value.get_error_code() == code
