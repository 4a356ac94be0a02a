"""STS in memory: the golden signature, the order of checks, and both answer formats."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

from sts_server.sandbox.sts.access import Nonces
from sts_server.sandbox.sts.signature import matches, sign, string_to_sign
from tests.sts_server.sandbox.sts_house import KEY, NOW, ROLE, SECRET, House, allow

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["rpc_v1"], ids=lambda vector: vector["name"])
def test_golden_vectors(vector: dict[str, Any]) -> None:
    parameters, secret = vector["parameters"], vector["access_key_secret"]
    assert sign(secret, string_to_sign(vector["method"], parameters)) == vector["signature"]
    signed = {**parameters, "Signature": vector["signature"]}
    assert matches(secret, vector["method"], signed)
    assert not matches(secret, "GET", signed)
    assert not matches(secret, vector["method"], {**signed, "RoleSessionName": "bob"})


@pytest.mark.parametrize(("method", "form"), [("GET", False), ("POST", False), ("POST", True)])
def test_the_three_ways_to_call(method: str, *, form: bool) -> None:
    status, answer = House().call(method, form=form)
    assert status == 200
    assert answer["Credentials"]["Expiration"] == "2025-12-01T09:30:00Z"


def test_blank_parameters_are_signed() -> None:
    assert House().call(SignatureType="")[0] == 200


def test_xml_is_the_default() -> None:
    status, root = House().call(Format=None)
    assert (status, root.tag) == (200, "AssumeRoleResponse")
    assert root.findtext("Credentials/AccessKeyId").startswith("STS.")
    status, root = House().call(Format="XML", RoleArn="x")
    assert (status, root.tag, root.findtext("Code")) == (400, "Error", "InvalidParameter.RoleArn")


def test_blanks_signed_as_plus_are_understood() -> None:
    """alibabacloud-credentials encodes like a form before it signs."""
    house = House()
    parameters = {
        "AccessKeyId": KEY,
        "Action": "GetCallerIdentity",
        "Format": "JSON",
        "RegionId": "a b",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "n",
        "SignatureVersion": "1.0",
        "Timestamp": "2025-12-01T08:30:00.123Z",
        "Version": "2015-04-01",
    }
    canonical = "&".join(f"{k}={quote_plus(v, safe='')}" for k, v in sorted(parameters.items()))
    parameters["Signature"] = sign(SECRET, f"GET&%2F&{quote(canonical, safe='')}")
    assert house.send("GET", urlencode(parameters))[0] == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Action": None}, 400, "MissingAction"),
        ({"Action": "Dance"}, 404, "InvalidApi.NotFound"),
        ({"Version": "1999-01-01"}, 400, "InvalidVersion"),
        ({"Format": "YAML"}, 400, "InvalidParameter.Format"),
        ({"AccessKeyId": None}, 400, "MissingAccessKeyId"),
        ({"AccessKeyId": "LTAInobody"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"SignatureMethod": "HMAC-MD5"}, 400, "InvalidSignatureMethod"),
        ({"SignatureNonce": None}, 400, "MissingSignatureNonce"),
        ({"Timestamp": None}, 400, "MissingTimestamp"),
        ({"Timestamp": "noon"}, 400, "InvalidTimeStamp.Format"),
        ({"Timestamp": "2025-13-01T08:30:00Z"}, 400, "InvalidTimeStamp.Format"),
        ({"Timestamp": "2025-12-01T08:45:01Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "2025-12-01T08:14:59Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "2025-12-01T08:45:00Z"}, 200, ""),
        ({"Signature": "d3Jvbmc="}, 400, "SignatureDoesNotMatch"),
        ({"SecurityToken": "CAIS"}, 400, "InvalidSecurityToken.MismatchWithAccessKey"),
        ({"Unheard": "of"}, 400, "InvalidParameter"),
        ({"RoleArn": None}, 400, "MissingRoleArn"),
        ({"RoleArn": ROLE + "x"}, 403, "NoPermission"),
        ({"RoleSessionName": "x" * 65}, 400, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "x" * 64}, 200, ""),
        ({"DurationSeconds": "900"}, 200, ""),
        ({"DurationSeconds": "3600"}, 200, ""),
        ({"DurationSeconds": "899"}, 400, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "-900"}, 400, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "9" * 99}, 400, "InvalidParameter.DurationSeconds"),
        ({"Policy": ""}, 400, "InvalidParameter.PolicyGrammar"),
        ({"Policy": "[" * 2048}, 400, "InvalidParameter.PolicyGrammar"),
        ({"Policy": " " * 2049}, 400, "InvalidParameter.PolicySize"),
    ],
)
def test_every_check_has_its_code(change: dict[str, Any], status: int, code: str) -> None:
    seen_status, answer = House().call(**change)
    if not isinstance(answer, dict):
        assert (seen_status, answer.findtext("Code")) == (status, code)
    else:
        assert (seen_status, answer.get("Code", "")) == (status, code)


def test_a_wrong_signature_shows_what_should_have_been_signed() -> None:
    status, answer = House().call(secret="wrong")
    assert status == 400
    assert answer["Message"].split("is:")[1].startswith("POST&%2F&AccessKeyId%3D")


def test_a_nonce_counts_once_and_only_when_it_was_signed() -> None:
    house = House()
    assert house.call(SignatureNonce="n", secret="wrong")[0] == 400
    assert house.call(SignatureNonce="n")[0] == 200
    assert house.call(SignatureNonce="n")[1]["Code"] == "SignatureNonceUsed"


def test_a_nonce_is_kept_as_long_as_its_timestamp_could_pass() -> None:
    nonces = Nonces()
    nonces.add("key", "n", NOW)
    nonces.add("key", "later", NOW + timedelta(minutes=30))
    assert nonces.used("key", "n")
    assert not nonces.used("other", "n")
    nonces.add("key", "last", NOW + timedelta(minutes=30, seconds=1))
    assert not nonces.used("key", "n")


def test_a_parameter_that_occurs_twice_is_refused() -> None:
    assert House().send("GET", "Action=AssumeRole&Action=GetCallerIdentity")[0] == 400


def test_a_role_may_want_an_external_id() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "blue"}}
    principal = {"RAM": ["acs:ram::1234567890123456:user/app"]}
    house = House(trust=allow("sts:AssumeRole", Principal=principal, Condition=condition))
    assert house.call()[1]["Code"] == "NoPermission"
    assert house.call(ExternalId="red")[1]["Code"] == "NoPermission"
    assert house.call(ExternalId="blue")[0] == 200


def test_both_sides_must_agree() -> None:
    stranger = {"RAM": ["acs:ram::9999:root"]}
    assert House(trust=allow("sts:AssumeRole", Principal=stranger)).call()[0] == 403
    assert House(permission=allow("oss:*", Resource="*")).call()[0] == 403


def test_a_role_that_does_not_exist() -> None:
    house = House(permission=allow("sts:AssumeRole", Resource="*"))
    status, answer = house.call(RoleArn=ROLE + "x")
    assert (status, answer["Code"]) == (404, "EntityNotExist.Role")


def test_temporary_keys_need_their_own_live_token() -> None:
    house = House()
    keys = house.call()[1]["Credentials"]
    other = house.call()[1]["Credentials"]

    def whoami(token: str | None) -> Any:
        return house.call(
            secret=keys["AccessKeySecret"],
            Action="GetCallerIdentity",
            AccessKeyId=keys["AccessKeyId"],
            RoleArn=None,
            RoleSessionName=None,
            SecurityToken=token,
        )[1]

    assert whoami(keys["SecurityToken"])["IdentityType"] == "AssumedRoleUser"
    assert whoami(None)["Code"] == "MissingSecurityToken"
    assert whoami("nonsense")["Code"] == "InvalidSecurityToken.Malformed"
    other_code = whoami(other["SecurityToken"])["Code"]
    assert other_code == "InvalidSecurityToken.MismatchWithAccessKey"
    house.clock.advance(timedelta(hours=1))
    assert whoami(keys["SecurityToken"])["Code"] == "InvalidSecurityToken.Expired"


def test_the_log_keeps_no_secret() -> None:
    house = House()
    keys = house.call()[1]["Credentials"]
    house.call(AccessKeyId=keys["AccessKeyId"], SecurityToken=keys["SecurityToken"])
    (first, second) = house.log.as_json()
    assert (first["operation"], first["access_key_id"]) == ("AssumeRole", KEY)
    assert "Signature=***" in first["query"]
    assert keys["SecurityToken"] not in json.dumps(second)


def test_a_secret_is_masked_however_its_name_is_written() -> None:
    house = House()
    house.send("GET", "Action=AssumeRole&Security%54oken=CAISsecret&%73ignature=c2lnbmVk")
    (seen,) = house.log.as_json()
    assert seen["query"] == "Action=AssumeRole&Security%54oken=***&%73ignature=***"


def test_a_source_identity_is_echoed() -> None:
    assert House().call(SourceIdentity="alice")[1]["SourceIdentity"] == "alice"
    assert House().call(SourceIdentity="a b")[1]["Code"] == "InvalidParameter.SourceIdentity"
