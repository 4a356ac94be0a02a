"""The STS client inside ali-oss, and a store that lives on what it gives."""

from typing import Any

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.scripts import run_script


@pytest.fixture(scope="module")
def results(sandbox: Sandbox) -> dict[str, Any]:
    """One run of the script; what each call gave, by name."""
    return run_script(
        "ali_oss_sts.mjs",
        sandbox,
        STS_ENDPOINT=sandbox.sts_endpoint,
        ROLE=sandbox.role_arn,
        ACCESS_KEY_ID=sandbox.access_key_id,
        ACCESS_KEY_SECRET=sandbox.access_key_secret,
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("assumeRole", {"status": 200, "temporary": True, "soon": True}),
        ("inside", {"status": 200}),
        ("no policy", {"status": 200}),
        ("policy as text", {"status": 200}),
        ("refreshSTSToken", {"status": 200, "renewed": True}),
    ],
)
def test_what_is_served(results: dict[str, Any], call: str, expected: dict[str, Any]) -> None:
    assert results[call] == expected


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("outside", 403, "AccessDenied"),
        ("wrong secret", 400, "SignatureDoesNotMatch"),
        ("unknown key", 404, "InvalidAccessKeyId.NotFound"),
        ("unknown role", 403, "NoPermission"),
        ("too long", 400, "InvalidParameter.DurationSeconds"),
        ("too short", 400, "InvalidParameter.DurationSeconds"),
        ("bad policy", 400, "InvalidParameter.PolicyGrammar"),
        ("bad session", 400, "InvalidParameter.RoleSessionName"),
    ],
)
def test_a_refusal_reads_well(results: dict[str, Any], call: str, status: int, code: str) -> None:
    refusal = results[call]
    assert (refusal["status"], refusal["code"]) == (status, code)
    assert refusal["requestId"]
    assert refusal["message"]


def test_all_were_checked(results: dict[str, Any]) -> None:
    assert len(results) == 13
