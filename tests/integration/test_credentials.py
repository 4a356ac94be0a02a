"""alibabacloud-credentials, unmodified, against the sandbox: a role by key, and a role by token."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import oss2
import pytest
import uvicorn
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config
from cryptography.hazmat.primitives.asymmetric import rsa

from sts_server.sandbox import Sandbox
from sts_server.sandbox.accounts import Accounts, Role
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.sts.oidc import Provider
from sts_server.sandbox.sts.service import StsService

ACCOUNT = "1234567890123456"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/login"
ROLE = f"acs:ram::{ACCOUNT}:role/web"
ISSUER = "https://login.example.com"


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


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service() -> StsService:
    """One role that trusts one login, and nobody else."""
    condition = {"StringEquals": {"oidc:aud": "app", "oidc:iss": ISSUER, "oidc:sub": "alice"}}
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [PROVIDER]},
        "Condition": condition,
    }
    role = Role(
        "web",
        ACCOUNT,
        parse_trust_policy(json.dumps({"Version": "1", "Statement": [trust]})),
        (parse_policy('{"Version":"1","Statement":[]}'),),
    )
    clock = Clock()
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    provider = Provider(PROVIDER, ISSUER, frozenset({"app"}), {"keys": [{**jwk, "kid": "1"}]})
    return StsService(Accounts([], [role], clock), clock, RequestLog(), [provider])


@pytest.fixture(scope="module")
def login() -> Iterator[str]:
    """Serve that STS, and give its endpoint."""
    sts = service()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        await sts(scope, b"", send)

    # Without a log level of its own: uvicorn would set it for every other server in this process.
    listener = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as opened:
        thread = threading.Thread(target=lambda: asyncio.run(listener.serve([opened])))
        thread.start()
        yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        listener.should_exit = True
        thread.join()


def token(**change: Any) -> str:
    now = datetime.now(UTC)
    claims = {"iss": ISSUER, "aud": "app", "sub": "alice", "iat": now}
    return jwt.encode(
        {**claims, "exp": now + timedelta(minutes=5), **change}, KEY, "RS256", {"kid": "1"}
    )


@pytest.fixture
def by_token(login: str, tmp_path: Path) -> Callable[[str], Client]:
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
                sts_endpoint=login,
            )
        )

    return connect


def test_a_role_by_token(by_token: Callable[[str], Client]) -> None:
    keys = by_token(token()).get_credential()
    assert keys.access_key_id.startswith("STS.")
    assert keys.security_token


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (token(sub="bob"), "NoPermission"),
        (token(aud="else"), "AuthenticationFail.OIDCToken.Invalid"),
        (token(exp=1), "AuthenticationFail.OIDCToken.Expired"),
        (token()[:-4] + "AAAA", "AuthenticationFail.OIDCToken.Invalid"),
    ],
)
def test_a_token_that_is_refused(by_token: Callable[[str], Client], text: str, code: str) -> None:
    with pytest.raises(CredentialException, match=code):
        by_token(text).get_credential()
