"""aliyun-python-sdk-sts, unmodified, against the sandbox."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest

from sts_server.sandbox import Sandbox


def aimed(request: Any, sandbox: Sandbox) -> Any:
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_protocol_type("http")
    return request


def assume_role(sandbox: Sandbox, **parameters: Any) -> AssumeRoleRequest:
    request = aimed(AssumeRoleRequest(), sandbox)
    chosen = {"RoleArn": sandbox.role_arn, "RoleSessionName": "alice", **parameters}
    for name, value in chosen.items():
        getattr(request, f"set_{name}")(value)
    return request


Connect = Callable[..., AcsClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make clients of the SDK, whose sessions are closed in the end."""
    clients: list[AcsClient] = []

    def one(*arguments: Any, **named: Any) -> AcsClient:
        clients.append(AcsClient(*arguments, **named))
        return clients[-1]

    yield one
    for client in clients:
        client.session.close()


@pytest.fixture
def client(sandbox: Sandbox, connect: Connect) -> AcsClient:
    return connect(sandbox.access_key_id, sandbox.access_key_secret, sandbox.region)


def test_assume_role_gives_temporary_keys(sandbox: Sandbox, client: AcsClient) -> None:
    answer = json.loads(client.do_action_with_exception(assume_role(sandbox, DurationSeconds=1800)))
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("STS.")
    life = datetime.fromisoformat(keys["Expiration"]) - sandbox.now()
    assert timedelta(seconds=1790) < life <= timedelta(seconds=1800)
    assert answer["AssumedRoleUser"]["Arn"] == f"{sandbox.role_arn}/alice"


def test_a_user_learns_who_it_is(sandbox: Sandbox, client: AcsClient) -> None:
    request = aimed(GetCallerIdentityRequest(), sandbox)
    answer = json.loads(client.do_action_with_exception(request))
    assert answer["IdentityType"] == "RAMUser"
    assert answer["Arn"] == f"acs:ram::{answer['AccountId']}:user/sandbox"


def test_a_session_learns_who_it_is(
    connect: Connect, sandbox: Sandbox, lease: dict[str, str]
) -> None:
    keys = (lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"])
    client = connect(region_id=sandbox.region, credential=StsTokenCredential(*keys))
    request = aimed(GetCallerIdentityRequest(), sandbox)
    answer = json.loads(client.do_action_with_exception(request))
    assert answer["IdentityType"] == "AssumedRoleUser"
    assert answer["Arn"] == f"{sandbox.role_arn}/alice-2bd806c97f0e"


def test_a_session_may_not_assume_the_role_again(
    connect: Connect, sandbox: Sandbox, lease: dict[str, str]
) -> None:
    keys = (lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"])
    client = connect(region_id=sandbox.region, credential=StsTokenCredential(*keys))
    assert refusal(client, assume_role(sandbox)) == (403, "NoPermission")


def refusal(client: AcsClient, request: Any) -> tuple[int, str]:
    with pytest.raises(ServerException) as caught:
        client.do_action_with_exception(request)
    return caught.value.get_http_status(), caught.value.get_error_code()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"RoleArn": "nonsense"}, "InvalidParameter.RoleArn"),
        ({"RoleSessionName": "a b"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "x"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": ""}, "MissingRoleSessionName"),
        ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({"Policy": "{"}, "InvalidParameter.PolicyGrammar"),
        ({"Policy": "x" * 2049}, "InvalidParameter.PolicySize"),
        ({"ExternalId": "x"}, "InvalidParameter.ExternalId"),
    ],
)
def test_each_parameter_is_checked(
    sandbox: Sandbox, client: AcsClient, parameters: dict[str, Any], code: str
) -> None:
    assert refusal(client, assume_role(sandbox, **parameters)) == (400, code)


def test_a_wrong_secret_is_told_from_a_wrong_computation(
    connect: Connect, sandbox: Sandbox
) -> None:
    """The SDK renames the code only when our string to sign equals its own."""
    client = connect(sandbox.access_key_id, "wrong", sandbox.region)
    assert refusal(client, assume_role(sandbox)) == (400, "InvalidAccessKeySecret")


def test_an_unknown_key_is_refused(connect: Connect, sandbox: Sandbox) -> None:
    client = connect("LTAI5tNobody", "secret", sandbox.region)
    assert refusal(client, assume_role(sandbox)) == (404, "InvalidAccessKeyId.NotFound")


def test_an_unknown_role_is_no_permission(sandbox: Sandbox, client: AcsClient) -> None:
    request = assume_role(sandbox, RoleArn=f"{sandbox.role_arn}-other")
    assert refusal(client, request) == (403, "NoPermission")


def test_a_token_that_has_expired_is_refused(
    connect: Connect, sandbox: Sandbox, own_lease: dict[str, str]
) -> None:
    sandbox.expire(own_lease["AccessKeyId"])
    keys = (own_lease["AccessKeyId"], own_lease["AccessKeySecret"], own_lease["SecurityToken"])
    client = connect(region_id=sandbox.region, credential=StsTokenCredential(*keys))
    request = aimed(GetCallerIdentityRequest(), sandbox)
    assert refusal(client, request) == (400, "InvalidSecurityToken.Expired")
