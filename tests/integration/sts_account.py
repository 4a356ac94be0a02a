"""The account that the refusal matrix of STS is about: who calls, which roles there are, one row of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from sts_server.sandbox import Sandbox
from tests.integration.login import ACCOUNT, login_config
from tests.integration.sts_signed import Answer, Keys, Parameters, Sign, Spoil, send, v1

ASSUME, WHO, OIDC = "AssumeRole", "GetCallerIdentity", "AssumeRoleWithOIDC"
ROLES = f"acs:ram::{ACCOUNT}:role/"
LONG, BLUE = f"{ROLES}long", f"{ROLES}blue"

USERS = """
        [[users]]
        name = "idle"
        access_key_id = "LTAIidle"
        access_key_secret = "idle-secret"

        [[users]]
        name = "disabled"
        access_key_id = "LTAIdisabled"
        access_key_secret = "disabled-secret"
        active = false
        policies = ['{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}']

        [[users]]
        name = "everyone"
        access_key_id = "LTAIeveryone"
        access_key_secret = "everyone-secret"
        policies = ['{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}']

        [[roles]]
        name = "long"
        max_session_duration = 43200

        [[roles]]
        name = "blue"
        external_id = "blue"
"""


OK: Answer = (200, "")
DENIED: Answer = (403, "NoPermission")
NO_KEY: Answer = (404, "InvalidAccessKeyId.NotFound")
MISMATCH: Answer = (400, "SignatureDoesNotMatch")


@dataclass(frozen=True)
class Row:
    """One refusal, or what is just not refused.

    Attributes:
        who: A name among `callers`.
        expected: Status and code.
        wish: Parameters beyond those that the call needs; None takes one away.
        action: What is called.
        spoil: What happens to the call after it was signed.
    """

    who: str
    expected: Answer
    wish: dict[str, str | None] = field(default_factory=dict)
    action: str = ASSUME
    spoil: Spoil | None = None


def bad(parameter: str) -> Answer:
    """Expect a parameter to be called invalid."""
    return 400, f"InvalidParameter.{parameter}"


@contextmanager
def account(folder: Path) -> Iterator[Sandbox]:
    """Run a sandbox with these users and roles until the block ends.

    Args:
        folder: for its configuration.
    """
    config = login_config(folder)
    config.write_text(config.read_text() + USERS)
    with Sandbox(config=config) as running:
        yield running


def callers(sts: Sandbox) -> dict[str, Keys]:
    """Give the keys of everyone who calls, by what they are."""
    app = {"AccessKeyId": sts.access_key_id, "AccessKeySecret": sts.access_key_secret}
    session, expired, other = (assumed(sts, app) for _ in range(3))
    sts.expire(expired["AccessKeyId"])
    return {
        "app": app,
        "everyone": {"AccessKeyId": "LTAIeveryone", "AccessKeySecret": "everyone-secret"},
        "idle": {"AccessKeyId": "LTAIidle", "AccessKeySecret": "idle-secret"},
        "disabled": {"AccessKeyId": "LTAIdisabled", "AccessKeySecret": "disabled-secret"},
        "nobody": {"AccessKeyId": "LTAInobody", "AccessKeySecret": "x"},
        "wrong secret": {**app, "AccessKeySecret": "wrong"},
        "session": session,
        "expired": expired,
        "session without token": {k: v for k, v in session.items() if k != "SecurityToken"},
        "session with a wrong token": {**session, "SecurityToken": "wrong"},
        "session with another's token": {**session, "SecurityToken": other["SecurityToken"]},
        "app with a token": {**app, "SecurityToken": session["SecurityToken"]},
    }


def assumed(sts: Sandbox, keys: Keys) -> Keys:
    """Assume the role of a sandbox as it is."""
    wish = {"RoleArn": sts.role_arn, "RoleSessionName": "alice"}
    call = v1("POST")(sts, keys, ASSUME, wish)
    answer = requests.post(sts.sts_endpoint, params=call.query, timeout=30).json()
    held: dict[str, str] = answer["Credentials"]
    return held


def wished(sts: Sandbox, row: Row) -> Parameters:
    """Give the parameters that a row is about."""
    needed = {"RoleArn": sts.role_arn, "RoleSessionName": "alice"} if row.action == ASSUME else {}
    return {name: value for name, value in {**needed, **row.wish}.items() if value is not None}


def answered(sts: Sandbox, who: Keys, sign: Sign, row: Row) -> Answer:
    """Make the call of a row; give status and code."""
    call = sign(sts, who, row.action, wished(sts, row))
    if row.spoil is not None:
        row.spoil(call)
    return send(sts, call)
