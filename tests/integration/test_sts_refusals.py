"""The refusal matrix of STS: who calls for what, and the status and code that they get.

Calls are signed by the official signers, V1 in query and form and ACS3; some are spoiled behind that.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.login import ROLE as WEB
from tests.integration.signed import Call as OssCall
from tests.integration.signed import send as oss_send
from tests.integration.sts_account import (
    ASSUME,
    BLUE,
    DENIED,
    LONG,
    MISMATCH,
    NO_KEY,
    OK,
    ROLES,
    WHO,
    Row,
    account,
    answered,
    bad,
    callers,
)
from tests.integration.sts_signed import (
    Answer,
    Keys,
    Sign,
    Spoil,
    acs3,
    now,
    put,
    send,
    v1,
    without,
)


@pytest.fixture(scope="module")
def sts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with account(tmp_path_factory.mktemp("sts")) as running:
        yield running


@pytest.fixture(scope="module")
def keys(sts: Sandbox) -> dict[str, Keys]:
    return callers(sts)


IDENTITY = [
    *(
        Row(who, expected, action=action)
        for action in (ASSUME, WHO)
        for who, expected in (
            ("nobody", NO_KEY),
            ("disabled", (400, "InvalidAccessKeyId.Inactive")),
            ("wrong secret", MISMATCH),
            ("expired", (400, "InvalidSecurityToken.Expired")),
            ("session without token", (400, "MissingSecurityToken")),
            ("session with a wrong token", (400, "InvalidSecurityToken.Malformed")),
            ("session with another's token", (400, "InvalidSecurityToken.MismatchWithAccessKey")),
            ("app with a token", (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        )
    ),
    Row("idle", DENIED),
    Row("session", DENIED),
    Row("app", DENIED, {"RoleArn": f"{ROLES}nobody"}),
    Row("app", DENIED, {"RoleArn": LONG}),
    Row("everyone", (404, "EntityNotExist.Role"), {"RoleArn": f"{ROLES}nobody"}),
    Row("everyone", (404, "EntityNotExist.Role"), {"RoleArn": "acs:ram::9999:role/long"}),
    Row("everyone", DENIED, {"RoleArn": WEB}),  # which trusts a login and no user
    Row("everyone", DENIED, {"RoleArn": BLUE}),
    Row("everyone", DENIED, {"RoleArn": BLUE, "ExternalId": "red"}),
    Row("everyone", OK, {"RoleArn": BLUE, "ExternalId": "blue"}),
    Row("idle", OK, action=WHO),
    Row("session", OK, action=WHO),
]
PROOF = [
    Row("app", (400, "InvalidTimeStamp.Expired"), {"Timestamp": now(-60)}),
    Row("app", (400, "InvalidTimeStamp.Expired"), {"Timestamp": now(60)}),
    Row("app", (400, "InvalidTimeStamp.Format"), {"Timestamp": "yesterday"}),
    Row("app", (400, "InvalidTimeStamp.Format"), {"Timestamp": "2025-13-01T08:30:00Z"}),
    Row("app", MISMATCH, {"DurationSeconds": "900"}, spoil=put("DurationSeconds", "901")),
    Row("app", MISMATCH, {"Policy": "{}"}, spoil=without("Policy")),
    Row("app", MISMATCH, spoil=put("ExternalId", "added")),
    Row("app", MISMATCH, spoil=put("RoleSessionName", "bob")),
    Row("app", MISMATCH, spoil=put("SignatureNonce", "another")),
]
CALL = [
    Row("app", (404, "InvalidApi.NotFound"), action="AssumeRoleWithSAML"),
    Row("app", (404, "InvalidApi.NotFound"), action="Dance"),
    Row("app", (400, "InvalidVersion"), {"Version": "2015-04-02"}),
    Row("app", bad("Format"), {"Format": "YAML"}),
    Row("app", (400, "InvalidParameter"), {"Unheard": "of"}),
    Row("app", (400, "InvalidParameter"), {"RoleArn": "x"}, action=WHO),
]
# What only V1 has a parameter for.
RPC = [
    Row("app", (400, "InvalidSignatureMethod"), {"SignatureMethod": "HMAC-MD5"}),
    Row("app", bad("SignatureVersion"), {"SignatureVersion": "2.0"}),
    Row("app", MISMATCH, spoil=put("Signature", "d3Jvbmc=")),
    *(
        Row("app", (400, f"Missing{name}"), spoil=without(name))
        for name in (
            "Version",
            "AccessKeyId",
            "SignatureMethod",
            "SignatureVersion",
            "SignatureNonce",
            "Timestamp",
            "Signature",
        )
    ),
]


def header(name: str, value: str | None) -> Spoil:
    def spoil(call: Any) -> None:
        if value is None:
            del call.headers[name]
        else:
            call.headers[name] = value

    return spoil


INCOMPLETE: Answer = (400, "IncompleteSignature")
ACS3 = [
    Row("app", INCOMPLETE, spoil=header("authorization", "ACS3-HMAC-SHA256 nonsense")),
    Row("app", INCOMPLETE, spoil=header("authorization", "ACS4 Credential=a")),
    Row(
        "app", INCOMPLETE, spoil=header("x-acs-added", "1")
    ),  # as every header of its kind, to be signed
    Row("app", INCOMPLETE, spoil=header("x-acs-date", None)),
    Row("app", INCOMPLETE, spoil=header("x-acs-signature-nonce", None)),
    Row("app", MISMATCH, spoil=header("x-acs-date", now(1))),
    Row("app", MISMATCH, spoil=header("accept", "text/xml")),
    Row("app", (400, "InvalidParameter"), spoil=put("Signature", "too")),
]
BOTH = [*IDENTITY, *PROOF, *CALL]
POST = v1("POST")
CASES: list[tuple[str, Sign, Row]] = [
    *(("V1", POST, row) for row in (*BOTH, *RPC)),
    *(("V1 GET", v1("GET"), row) for row in (*IDENTITY, *PROOF)),
    *(("V1 form", v1("POST", form=True), row) for row in (*IDENTITY, *PROOF)),
    *(("ACS3", acs3, row) for row in (*BOTH, *ACS3)),
]


@pytest.mark.parametrize(
    ("kind", "sign", "row"),
    CASES,
    ids=[f"{kind}: {row.who}: {row.action} {row.expected[1]}" for kind, _, row in CASES],
)
def test_refusal(sts: Sandbox, keys: dict[str, Keys], kind: str, sign: Sign, row: Row) -> None:
    assert answered(sts, keys[row.who], sign, row) == row.expected, kind


def test_a_key_that_is_disabled_opens_no_bucket(sts: Sandbox, keys: dict[str, Keys]) -> None:
    expected = (403, "InvalidAccessKeyId", "0002-00000901")
    assert oss_send(sts, dict(keys["disabled"]), OssCall()) == expected


@pytest.mark.parametrize("sign", [POST, acs3], ids=["V1", "ACS3"])
def test_a_nonce_counts_once(sts: Sandbox, keys: dict[str, Keys], sign: Sign) -> None:
    call = sign(sts, keys["app"], WHO, {})
    assert send(sts, call) == OK
    assert send(sts, call) == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(sts: Sandbox, keys: dict[str, Keys], method: str) -> None:
    call = v1(method)(sts, keys["app"], WHO, {})
    assert send(sts, call) == (400, "UnsupportedHTTPMethod")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "Throttling.User"),
        (400, "Throttling"),
        (429, "Throttling.Api"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)
@pytest.mark.parametrize("sign", [POST, acs3], ids=["V1", "ACS3"])
def test_on_demand(sts: Sandbox, keys: dict[str, Keys], sign: Sign, status: int, code: str) -> None:
    sts.fault(service="sts", operation=ASSUME, status=status, code=code, nth=1)
    for action, expected in ((WHO, OK), (ASSUME, (status, code)), (ASSUME, OK)):
        row = Row("app", expected, action=action)
        assert answered(sts, keys["app"], sign, row) == expected
    sts.clear_faults()
