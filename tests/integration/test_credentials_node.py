"""@alicloud/credentials in Node, unmodified: keys from a URI, a role by key, and one by token.

Not all of it can be aimed at a server on this machine: `ecs_ram_role`, and so the default chain when
it comes to that, asks 100.100.100.200 and nothing else.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import vending_server
from tests.integration.login import PROVIDER, login_config, token
from tests.integration.login import ROLE as WEB_ROLE
from tests.integration.relay import Relay, relay_to
from tests.integration.scripts import run_script

URI = {"type": "credentials_uri", "providerName": "credential_uri", "temporary": True}
ROLE = {"type": "ram_role_arn", "providerName": "ram_role_arn/static_ak", "temporary": True}
TOKEN = {"type": "oidc_role_arn", "providerName": "oidc_role_arn", "temporary": True}
DENIED = "Access denied by authorizer's policy."


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with HTTPS: for a role, the SDK writes `https://` itself, whatever it is told."""
    config = login_config(tmp_path_factory.mktemp("login"))
    with Sandbox(tls_port=0, config=config) as running:
        yield running


@pytest.fixture(scope="module")
def relay(secure: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with (
        vending_server(secure, tmp_path_factory.mktemp("server")) as vending,
        relay_to(vending.url) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def results(
    secure: Sandbox, relay: Relay, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """One run of the script; what each call gave, by name."""
    tokens = tmp_path_factory.mktemp("tokens")
    (tokens / "alice").write_text(token())
    (tokens / "bob").write_text(token(sub="bob"))
    (tokens / "expired").write_text(token(exp=1))
    (tokens / "forged").write_text(token()[:-4] + "AAAA")
    statement = {
        "Effect": "Allow",
        "Action": ["oss:PutObject"],
        "Resource": [f"acs:oss:*:*:{secure.bucket}/users/alice/*"],
    }
    return run_script(
        "credentials.mjs",
        secure,
        PREFIX="users/alice/",
        RELAY=relay.url,
        SERVER=relay.target,
        ALIBABA_CLOUD_CREDENTIALS_URI=f"{relay.url}/v1/credentials/everything",
        STS_HOST=secure.tls_endpoint.removeprefix("https://"),
        PLAIN_STS_HOST=secure.sts_endpoint.removeprefix("http://"),
        NODE_EXTRA_CA_CERTS=secure.ca_file,
        ROLE=secure.role_arn,
        ACCESS_KEY_ID=secure.access_key_id,
        ACCESS_KEY_SECRET=secure.access_key_secret,
        LOGIN=PROVIDER,
        LOGIN_ROLE=WEB_ROLE,
        TOKENS=str(tokens),
        POLICY=json.dumps({"Version": "1", "Statement": [statement]}),  # with blanks, on purpose
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("uri", URI),
        ("uri of the environment", URI),
        ("uri, inside", {"status": 200}),
        ("uri, kept", {"same": True}),
        ("role", ROLE),
        ("role, inside", {"status": 200}),
        ("token", TOKEN),
        ("token, inside", {"status": 200}),
    ],
)
def test_what_is_served(results: dict[str, Any], call: str, expected: dict[str, Any]) -> None:
    assert results[call] == expected


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("uri, outside", DENIED),
        ("uri, no such grant", "GrantDenied"),
        ("uri, no such path", "httpStatus: 404"),
        ("uri, without a caller", "httpStatus: 401"),
        ("role, outside", DENIED),
        # Said only when the string to sign that STS tells is the SDK's own, byte for byte.
        ("role, wrong secret", "the access key secret is invalid"),
        ("role, unknown key", "InvalidAccessKeyId.NotFound"),
        ("role, too long", "InvalidParameter.DurationSeconds"),
        ("role, bad policy", "InvalidParameter.PolicyGrammar"),
        ("role of a role", "NoPermission"),
        ("token, outside", DENIED),
        ("token, of somebody else", "NoPermission"),
        ("token, expired", "AuthenticationFail.OIDCToken.Expired"),
        ("token, forged", "AuthenticationFail.OIDCToken.Invalid"),
    ],
)
def test_a_refusal_reads_well(results: dict[str, Any], call: str, text: str) -> None:
    assert text in results[call]["message"]


def test_keys_are_kept_while_more_than_a_quarter_of_an_hour_is_left(
    results: dict[str, Any], relay: Relay
) -> None:
    assert results
    assert relay.asked.count("/v1/credentials/uploads?duration=3600") == 1


def test_a_role_cannot_be_assumed_over_plain_http(results: dict[str, Any]) -> None:
    assert "type" not in results["role, plain"]
    assert results["role, plain"]["message"]


def test_all_were_checked(results: dict[str, Any]) -> None:
    assert len(results) == 23
