"""AssumeRoleWithOIDC: tokens that are genuine and trusted, and all the others."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sts_server.sandbox.sts.oidc import Provider
from tests.sts_server.sandbox.sts_house import NOW, ROLE, House, allow

ISSUER = "https://login.example.com"
PROVIDER = "acs:ram::1234567890123456:oidc-provider/login"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(algorithm: Any, key: Any, kid: str) -> dict[str, Any]:
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


JWKS = {
    "keys": [
        jwk(jwt.algorithms.RSAAlgorithm, RSA, "r"),
        jwk(jwt.algorithms.ECAlgorithm, EC, "e"),
    ]
}
CLAIMS = {
    "iss": ISSUER,
    "aud": "app",
    "sub": "alice",
    "iat": NOW.timestamp() - 1,
    "exp": NOW.timestamp() + 600,
}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r", **change: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={} if kid is None else {"kid": kid})


def trust(**condition: str) -> str:
    named = {"oidc:iss": ISSUER, "oidc:aud": "app", "oidc:sub": "alice", **condition}
    return allow(
        "sts:AssumeRole", Principal={"Federated": [PROVIDER]}, Condition={"StringEquals": named}
    )


def ask(text: str, trusting: str | None = None, **change: str | None) -> tuple[int, Any]:
    house = House(trusting or trust())
    provider = Provider(PROVIDER, ISSUER, frozenset({"app", "other"}), JWKS)
    house.serve([provider])
    parameters = {
        "Action": "AssumeRoleWithOIDC",
        "Format": "JSON",
        "OIDCProviderArn": PROVIDER,
        "OIDCToken": text,
        "RoleArn": ROLE,
        "RoleSessionName": "alice",
        "Version": "2015-04-01",
        **change,
    }
    kept = {name: value for name, value in parameters.items() if value is not None}
    status, answer = house.send("POST", urlencode(kept))
    assert text not in json.dumps(house.log.as_json())
    assert len(text) < 30 or text not in json.dumps(answer)
    return status, answer


@pytest.mark.parametrize("text", [token(), token(EC, "ES256", "e"), token(aud=["else", "app"])])
def test_a_genuine_token_is_taken(text: str) -> None:
    status, answer = ask(text)
    assert status == 200
    assert answer["AssumedRoleUser"]["Arn"] == f"{ROLE}/alice"
    assert answer["Credentials"]["AccessKeyId"].startswith("STS.")
    info = answer["OIDCTokenInfo"]
    assert (info["Issuer"], info["Subject"]) == (ISSUER, "alice")
    assert info["ExpirationTime"] == "2025-12-01T08:40:00Z"


INVALID = (400, "AuthenticationFail.OIDCToken.Invalid")
HEAD, BODY, SIGNATURE = token().split(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (token(exp=NOW.timestamp()), (400, "AuthenticationFail.OIDCToken.Expired")),
        (token(nbf=NOW.timestamp() + 1), INVALID),
        (token(iat=NOW.timestamp() + 1), INVALID),
        (token(exp=None), INVALID),
        (token(iat=None), INVALID),
        (token(exp=1e300), INVALID),
        (token(iss="https://evil.example.com"), INVALID),
        (token(iss=f"{ISSUER}/"), INVALID),
        (token(aud="else"), INVALID),
        (token(aud=None), INVALID),
        (token(sub=None), INVALID),
        (token(sub=7), INVALID),
        (token(STRANGER), INVALID),
        (token(kid="else"), INVALID),
        (token(kid=None), INVALID),
        (token(RSA, "RS512"), INVALID),
        (token(RSA, "PS256"), INVALID),
        (token(EC, "ES256", "r"), INVALID),
        (token("k" * 32, "HS256"), INVALID),
        (f"{HEAD}.{BODY}.", INVALID),
        (f"{HEAD}.{BODY}.{SIGNATURE[1:]}A", INVALID),
        (f"{HEAD}.{token(sub='bob').split('.')[1]}.{SIGNATURE}", INVALID),
        ("no token", INVALID),
        ("abc", (400, "InvalidParameter.OIDCToken")),
        ("a" * 20_001, (400, "InvalidParameter.OIDCToken")),
    ],
)
def test_a_token_that_is_not_is_refused(text: str, expected: tuple[int, str]) -> None:
    status, answer = ask(text)
    assert (status, answer["Code"]) == expected


@pytest.mark.parametrize(
    "trusting",
    [
        trust(**{"oidc:sub": "bob"}),
        trust(**{"oidc:aud": "other"}),
        allow("sts:AssumeRole", Principal={"Federated": [f"{PROVIDER}2"]}),
        allow("sts:AssumeRole", Principal={"RAM": ["acs:ram::1234567890123456:root"]}),
    ],
)
def test_a_role_that_does_not_trust_it(trusting: str) -> None:
    status, answer = ask(token(), trusting)
    assert (status, answer["Code"]) == (403, "NoPermission")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"OIDCProviderArn": f"{PROVIDER}2"}, (404, "EntityNotExist.OIDCProvider")),
        ({"OIDCProviderArn": None}, (400, "MissingOIDCProviderArn")),
        ({"OIDCToken": None}, (400, "MissingOIDCToken")),
        ({"RoleArn": f"{ROLE}2"}, (404, "EntityNotExist.Role")),
        ({"DurationSeconds": "3601"}, (400, "InvalidParameter.DurationSeconds")),
        ({"DurationSeconds": "900"}, (200, None)),
        ({"Policy": "{}"}, (400, "InvalidParameter.PolicyGrammar")),
        ({"ExternalId": "abc"}, (400, "InvalidParameter")),
    ],
)
def test_parameters(change: dict[str, str | None], expected: tuple[int, str | None]) -> None:
    status, answer = ask(token(), **change)
    assert (status, answer.get("Code")) == expected


def test_a_user_does_not_come_in_by_the_trust_in_a_provider() -> None:
    assert House(trust()).call()[0] == 403


def test_real_time_judges_a_token() -> None:
    """Virtual time may be years ahead; who makes tokens does not know."""
    house = House(trust())
    house.serve([Provider(PROVIDER, ISSUER, frozenset({"app"}), JWKS)])
    house.clock.advance(timedelta(days=400))
    query = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "JSON"}
    names = {"OIDCProviderArn": PROVIDER, "RoleArn": ROLE, "RoleSessionName": "alice"}
    status, _ = house.send("GET", urlencode({**query, **names, "OIDCToken": token()}))
    assert status == 200
