"""Every parameter of STS and its limits: what is just allowed, and what each wrong value is told.

Calls are signed by the official signers, V1 and ACS3; AssumeRoleWithOIDC is not signed at all.
"""

from collections.abc import Callable, Iterator

import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.login import PROVIDER, token
from tests.integration.login import ROLE as WEB
from tests.integration.sts_account import (
    DENIED,
    LONG,
    OIDC,
    OK,
    ROLES,
    Row,
    account,
    answered,
    bad,
    callers,
)
from tests.integration.sts_signed import Answer, Keys, Sign, acs3, now, v1

POLICY_OF_2048 = f'{{"Version":"1","Statement":[]{" " * 2018}}}'
assert len(POLICY_OF_2048) == 2048


@pytest.fixture(scope="module")
def sts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with account(tmp_path_factory.mktemp("sts")) as running:
        yield running


@pytest.fixture(scope="module")
def keys(sts: Sandbox) -> dict[str, Keys]:
    return callers(sts)


PARAMETERS = [
    Row("app", (400, "MissingRoleArn"), {"RoleArn": None}),
    Row("app", (400, "MissingRoleArn"), {"RoleArn": ""}),
    *(
        Row("app", bad("RoleArn"), {"RoleArn": arn})
        for arn in (
            "sandbox-role",
            "acs:ram::1234567890123456:user/sandbox",
            "acs:ram::1234567890123456:role/",
            "acs:ram::1234567890123456:role/a_b",
            "acs:ram::1234567890123456:role/" + "x" * 65,
            "acs:ram::alice:role/a",
            "acs:ram::1234567890123456:role/a*",
        )
    ),
    Row("app", (400, "MissingRoleSessionName"), {"RoleSessionName": None}),
    *(
        Row("app", bad("RoleSessionName"), {"RoleSessionName": name})
        for name in ("x", "x" * 65, "a b", "a/b", "ä-b", "a+b", "ab\n")
    ),
    Row("app", OK, {"RoleSessionName": "xy"}),
    Row("app", OK, {"RoleSessionName": "aZ9.@-_" + "x" * 57}),
    *(
        Row("app", bad("DurationSeconds"), {"DurationSeconds": seconds})
        for seconds in ("0", "899", "3601", "43200", "-900", "900.5", "1e3", "soon", "9" * 30)
    ),
    Row("app", OK, {"DurationSeconds": "900"}),
    Row("app", OK, {"DurationSeconds": "3600"}),
    Row("everyone", OK, {"RoleArn": LONG, "DurationSeconds": "43200"}),
    Row("everyone", bad("DurationSeconds"), {"RoleArn": LONG, "DurationSeconds": "43201"}),
    Row("app", OK, {"Policy": POLICY_OF_2048}),
    Row("app", bad("PolicySize"), {"Policy": POLICY_OF_2048 + " "}),
    *(
        Row("app", bad("PolicyGrammar"), {"Policy": policy})
        for policy in (
            "",
            "{",
            "[]",
            '{"Statement":[]}',
            '{"Version":"2","Statement":[]}',
            '{"Version":"1","Statement":[{}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","NotResource":"*"}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*","Principal":{"RAM":["*"]}}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*","Condition":{"StringIs":{"oss:Prefix":"a"}}}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*","Condition":{"StringLike":{"oss:Unheard":"a"}}}]}',
        )
    ),
    *(
        Row("app", bad("ExternalId"), {"ExternalId": value})
        for value in ("", "x", "x" * 1225, "a b", "ä-b")
    ),
    Row("app", OK, {"ExternalId": "x" * 1224}),
    *(
        Row("app", bad("SourceIdentity"), {"SourceIdentity": value})
        for value in ("", "x", "x" * 65, "a b")
    ),
    Row("app", OK, {"SourceIdentity": "alice"}),
]


@pytest.mark.parametrize("sign", [v1("POST"), acs3], ids=["V1", "ACS3"])
@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: f"{[*row.wish]} {row.expected[1]}")
def test_a_parameter(sts: Sandbox, keys: dict[str, Keys], sign: Sign, row: Row) -> None:
    assert answered(sts, keys[row.who], sign, row) == row.expected


LOGIN: dict[str, str] = {
    "RoleArn": WEB,
    "RoleSessionName": "alice",
    "OIDCProviderArn": PROVIDER,
}
INVALID: Answer = (400, "AuthenticationFail.OIDCToken.Invalid")
LOGINS: list[tuple[dict[str, str | None], Callable[[], str | None], Answer]] = [
    ({}, token, OK),
    ({}, lambda: None, (400, "MissingOIDCToken")),
    ({}, lambda: "", (400, "MissingOIDCToken")),
    ({}, lambda: "abc", bad("OIDCToken")),
    ({}, lambda: "x" * 20_001, bad("OIDCToken")),
    ({}, lambda: "x" * 20_000, INVALID),
    ({}, lambda: "not.a.token", INVALID),
    ({}, lambda: token()[:-4] + "AAAA", INVALID),
    ({}, lambda: token(aud="else"), INVALID),
    ({}, lambda: token(iss="https://else.example.com"), INVALID),
    ({}, lambda: token(exp=1), (400, "AuthenticationFail.OIDCToken.Expired")),
    ({}, lambda: token(nbf=4_000_000_000), INVALID),
    ({}, lambda: token(sub="bob"), DENIED),
    ({"OIDCProviderArn": None}, token, (400, "MissingOIDCProviderArn")),
    ({"OIDCProviderArn": f"{PROVIDER}-other"}, token, (404, "EntityNotExist.OIDCProvider")),
    ({"RoleArn": None}, token, (400, "MissingRoleArn")),
    ({"RoleArn": "x"}, token, bad("RoleArn")),
    ({"RoleArn": f"{ROLES}nobody"}, token, (404, "EntityNotExist.Role")),
    ({"RoleArn": LONG}, token, DENIED),
    ({"RoleSessionName": "x"}, token, bad("RoleSessionName")),
    ({"DurationSeconds": "899"}, token, bad("DurationSeconds")),
    ({"DurationSeconds": "3601"}, token, bad("DurationSeconds")),
    ({"Policy": POLICY_OF_2048 + " "}, token, bad("PolicySize")),
    ({"Policy": "{}"}, token, bad("PolicyGrammar")),
    ({"ExternalId": "blue"}, token, (400, "InvalidParameter")),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("change", "make", "expected"), LOGINS)
def test_a_login(
    sts: Sandbox,
    change: dict[str, str | None],
    make: Callable[[], str | None],
    expected: Answer,
    method: str,
) -> None:
    wish = {
        "Action": OIDC,
        "Version": "2015-04-01",
        "Format": "JSON",
        "Timestamp": now(),
        "SignatureNonce": "n",
        **LOGIN,
        **change,
        "OIDCToken": make(),
    }
    given = {name: value for name, value in wish.items() if value is not None}
    where = {"params": given} if method == "GET" else {"data": given}
    answer = requests.request(method, sts.sts_endpoint, timeout=30, **where)  # type: ignore[arg-type]
    body = answer.json()
    assert (answer.status_code, body.get("Code", "")) == expected
    assert (given.get("OIDCToken") or "none") not in answer.text
