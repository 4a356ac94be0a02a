"""alibabacloud-credentials, unmodified, against the sandbox: a role by key, and a role by token."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config

from sts_server.sandbox import Sandbox
from tests.integration.login import PROVIDER, ROLE, login_config, token
from tests.integration.signed import Call, send


def role_client(sandbox: Sandbox, **change: Any) -> Client:
    wish = {
        "access_key_id": sandbox.access_key_id,
        "access_key_secret": sandbox.access_key_secret,
        "role_arn": sandbox.role_arn,
        "role_session_name": "alice",
        "role_session_expiration": 1800,
        "sts_endpoint": sandbox.sts_endpoint,
        **change,
    }
    return Client(Config(type="ram_role_arn", **wish))


def test_a_role_by_key(sandbox: Sandbox) -> None:
    bucket = f"acs:oss:*:*:{sandbox.bucket}"
    statement = {"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": [f"{bucket}/role/*"]}
    policy = json.dumps({"Version": "1", "Statement": [statement]})  # with blanks, on purpose
    keys = role_client(sandbox, policy=policy).get_credential()
    auth = oss2.StsAuth(keys.access_key_id, keys.access_key_secret, keys.security_token)
    session = oss2.Session()
    store = oss2.Bucket(auth, sandbox.endpoint, sandbox.bucket, session=session)
    assert store.put_object("role/a", b"a").status == 200
    with pytest.raises(oss2.exceptions.AccessDenied):
        store.put_object("else/a", b"a")
    session.session.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access_key_secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "LTAInobody"}, "InvalidAccessKeyId.NotFound"),
        ({"role_session_expiration": 7200}, "InvalidParameter.DurationSeconds"),
        ({"policy": "{}"}, "InvalidParameter.PolicyGrammar"),
    ],
)
def test_a_role_that_is_refused(sandbox: Sandbox, change: dict[str, Any], code: str) -> None:
    with pytest.raises(CredentialException, match=code):
        role_client(sandbox, **change).get_credential()


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run the program with one role that trusts one login, and nobody else."""
    with Sandbox(config=login_config(tmp_path_factory.mktemp("login"))) as running:
        yield running


@pytest.fixture
def by_token(login: Sandbox, tmp_path: Path) -> Callable[[str], Client]:
    def connect(text: str) -> Client:
        file = tmp_path / "token"
        file.write_text(text)
        return Client(
            Config(
                type="oidc_role_arn",
                role_arn=ROLE,
                oidc_provider_arn=PROVIDER,
                oidc_token_file_path=str(file),
                role_session_name="alice",
                sts_endpoint=login.sts_endpoint,
            )
        )

    return connect


def test_a_role_by_token(login: Sandbox, by_token: Callable[[str], Client]) -> None:
    keys = by_token(token()).get_credential()
    lease = {
        "AccessKeyId": keys.access_key_id,
        "AccessKeySecret": keys.access_key_secret,
        "SecurityToken": keys.security_token,
    }
    assert keys.access_key_id.startswith("STS.")
    assert send(login, lease, Call(key="users/alice/a"))[0] == 200
    assert send(login, lease, Call(key="users/bob/a"))[:2] == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        # Made when they are used: they live for minutes, and tests are collected long before.
        (lambda: token(sub="bob"), "NoPermission"),
        (lambda: token(aud="else"), "AuthenticationFail.OIDCToken.Invalid"),
        (lambda: token(exp=1), "AuthenticationFail.OIDCToken.Expired"),
        (lambda: token()[:-4] + "AAAA", "AuthenticationFail.OIDCToken.Invalid"),
    ],
)
def test_a_token_that_is_refused(
    by_token: Callable[[str], Client], made: Callable[[], str], code: str
) -> None:
    with pytest.raises(CredentialException, match=code):
        by_token(made()).get_credential()
