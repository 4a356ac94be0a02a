"""ali-oss, the official SDK for JavaScript, in Node: what it reads and how it reads a refusal."""

import json
from typing import Any

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import lease_by_hand
from tests.integration.scripts import run_script

HELLO = {"status": 200, "text": "hello"}
ETAG = '"5D41402ABC4B2A76B9719D911017C592"'
KEY = "users/alice/from node/ä b+c.txt"


@pytest.fixture(scope="module")
def results(sandbox: Sandbox) -> dict[str, Any]:
    """One run of the script; what each call gave, by name."""
    return run_script(
        "ali_oss.mjs",
        sandbox,
        PREFIX="users/alice/from node/",
        LEASE=json.dumps(lease_by_hand(sandbox)),
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("put", {"status": 200, "etag": ETAG}),
        ("get", HELLO),
        (
            "head",
            {"status": 200, "etag": ETAG, "type": "text/x-greeting", "meta": {"who": "node"}},
        ),
        ("list", {"status": 200, "names": [KEY]}),
        ("if-match holds", HELLO),
        ("if-none-match holds", HELLO),
        ("if-none-match fails", {"status": 304}),
        ("if-modified-since holds", HELLO),
        ("if-modified-since fails", {"status": 304}),
        ("if-unmodified-since holds", HELLO),
        ("head not modified", {"status": 304}),
        ("forbid-overwrite free", {"status": 200}),
        ("delete", {"status": 204}),
        ("delete new", {"status": 204}),
    ],
)
def test_what_is_served(results: dict[str, Any], call: str, expected: dict[str, Any]) -> None:
    assert results[call] == expected


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("if-match fails", 412, "PreconditionFailed"),
        ("if-unmodified-since fails", 412, "PreconditionFailed"),
        ("forbid-overwrite taken", 409, "FileAlreadyExists"),
        ("outside", 403, "AccessDenied"),
        ("outside list", 403, "AccessDenied"),
        ("missing", 404, "NoSuchKey"),
        ("wrong secret", 403, "SignatureDoesNotMatch"),
        ("unknown key", 403, "InvalidAccessKeyId"),
        ("wrong token", 403, "InvalidSecurityToken"),
        ("wrong region", 400, "InvalidArgument"),
        ("deleted", 404, "NoSuchKey"),
    ],
)
def test_a_refusal_reads_well(results: dict[str, Any], call: str, status: int, code: str) -> None:
    refusal = results[call]
    assert (refusal["status"], refusal["code"]) == (status, code)
    assert refusal["requestId"]
    assert refusal["message"]


def test_all_were_checked(results: dict[str, Any]) -> None:
    assert len(results) == 25
