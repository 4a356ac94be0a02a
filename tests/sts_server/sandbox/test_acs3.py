"""ACS3 calls to STS: the golden signature, and what must not pass."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest as TeaRequest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.sts.acs3 import canonical_request, read_acs3
from sts_server.sandbox.sts.call import read_call
from sts_server.sandbox.sts.errors import StsError
from tests.sts_server.sandbox.sts_house import House

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
(VECTOR,) = VECTORS["acs3"]
KEY, SECRET = VECTOR["access_key_id"], VECTOR["access_key_secret"]


def scope_of(**change: Any) -> dict[str, Any]:
    vector = {**VECTOR, **change}
    names = ";".join(sorted(VECTOR["headers"]))
    fields = f"Credential={KEY},SignedHeaders={names},Signature={vector['signature']}"
    headers = {"authorization": f"ACS3-HMAC-SHA256 {fields}", **vector["headers"]}
    return {
        "method": vector["method"],
        "raw_path": b"/",
        "query_string": urlencode(vector["parameters"]).encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v is not None],
    }


def signed(
    method: str = "POST", query: str = "", body: bytes = b"", **change: Any
) -> dict[str, Any]:
    """Sign as the documentation says; `change` is of headers, and None removes one."""
    headers = {
        **VECTOR["headers"],
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        **change,
    }
    kept = {name: value for name, value in headers.items() if value is not None}
    scope: dict[str, Any] = {
        "method": method,
        "raw_path": b"/",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in kept.items()],
    }
    names = tuple(sorted(kept))
    canonical = canonical_request(read_call(scope, body), names)
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.digest(SECRET.encode(), text.encode(), "sha256").hex()
    fields = f"Credential={KEY},SignedHeaders={';'.join(names)},Signature={signature}"
    scope["headers"].append((b"authorization", f"ACS3-HMAC-SHA256 {fields}".encode()))
    return scope


def outcome(house: House, scope: dict[str, Any], body: bytes = b"") -> tuple[int, str]:
    status, answer = house.deliver(scope, body)
    if isinstance(answer, dict):
        return status, answer.get("Code", "")
    return status, answer.findtext("Code")


def test_the_golden_vector() -> None:
    call = read_call(scope_of(), b"")
    proof = read_acs3(call)
    canonical = canonical_request(call, proof.signed)
    assert hashlib.sha256(canonical.encode()).hexdigest() == VECTOR["canonical_sha256"]
    assert (proof.access_key_id, proof.matches(SECRET)) == (KEY, True)
    assert not proof.matches(SECRET + "x")
    assert VECTOR["signature"] not in repr(proof)
    house = House()
    assert outcome(house, scope_of()) == (200, "")
    assert house.log.as_json()[0]["access_key_id"] == KEY


MISMATCH = (400, "SignatureDoesNotMatch")
INCOMPLETE = (400, "IncompleteSignature")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"method": "GET"}, MISMATCH),
        ({"parameters": {**VECTOR["parameters"], "RoleSessionName": "bob"}}, MISMATCH),
        ({"headers": {**VECTOR["headers"], "x-acs-action": "GetCallerIdentity"}}, MISMATCH),
        ({"headers": {**VECTOR["headers"], "user-agent": "else"}}, MISMATCH),
        ({"headers": {**VECTOR["headers"], "host": "else"}}, MISMATCH),
        ({"headers": {**VECTOR["headers"], "x-acs-security-token": "a"}}, INCOMPLETE),
        ({"headers": {**VECTOR["headers"], "accept": None}}, INCOMPLETE),
        ({"signature": "0" * 64}, MISMATCH),
        ({"signature": "0"}, INCOMPLETE),
    ],
)
def test_what_was_changed_on_the_way(change: dict[str, Any], expected: tuple[int, str]) -> None:
    assert outcome(House(), scope_of(**change)) == expected


def test_the_body_is_signed() -> None:
    assert outcome(House(), scope_of(), b"RoleSessionName=bob") == (400, "InvalidParameter")
    assert outcome(House(), scope_of(), b"ExternalId=abc") == MISMATCH


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (200, "")),
        ({"x-acs-date": "2025-12-01T08:46:00Z"}, (400, "InvalidTimeStamp.Expired")),
        ({"x-acs-date": "now"}, (400, "InvalidTimeStamp.Format")),
        ({"x-acs-date": None}, (400, "MissingTimestamp")),
        ({"x-acs-signature-nonce": None}, (400, "MissingSignatureNonce")),
        ({"x-acs-security-token": "CAIS"}, (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        ({"x-acs-version": "2014-01-01"}, (400, "InvalidVersion")),
        ({"x-acs-action": "Nothing"}, (404, "InvalidApi.NotFound")),
    ],
)
def test_headers(change: dict[str, Any], expected: tuple[int, str]) -> None:
    query = urlencode(VECTOR["parameters"])
    assert outcome(House(), signed(query=query, **change)) == expected


def test_a_form_in_the_body() -> None:
    body = urlencode(VECTOR["parameters"]).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert outcome(House(), signed(body=body, **kind), body) == (200, "")


def test_a_call_that_is_played_twice() -> None:
    house = House()
    scope = signed(query=urlencode(VECTOR["parameters"]))
    assert outcome(house, scope)[0] == 200
    assert outcome(house, scope) == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("header", [b"authorization", b"x-acs-date", b"host"])
def test_a_header_that_occurs_twice(header: bytes) -> None:
    scope = scope_of()
    scope["headers"].append((header, b"1"))
    with pytest.raises(StsError):
        read_call(scope, b"")


def test_what_is_said_in_two_ways() -> None:
    assert outcome(House(), signed(query="Signature=abc")) == (400, "InvalidParameter")
    scope = {**scope_of(), "query_string": b"Action=GetCallerIdentity"}
    assert outcome(House(), scope) == (400, "InvalidParameter")


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
NAME = st.text("abcXYZ019-_.", min_size=1, max_size=8)  # the signer does not encode names


@given(st.dictionaries(NAME, TEXT, min_size=1, max_size=4), st.binary(max_size=8), st.data())
def test_what_the_official_signer_signs_is_accepted(
    query: dict[str, str], body: bytes, data: st.DataObject
) -> None:
    request = TeaRequest()
    request.method, request.pathname, request.query = "POST", "/", query
    request.headers = {**VECTOR["headers"], "content-type": "application/octet-stream"}
    digest = hashlib.sha256(body).hexdigest()
    header = Utils.get_authorization(request, "ACS3-HMAC-SHA256", digest, KEY, SECRET)
    scope = {
        "method": "POST",
        "query_string": urlencode(query).encode(),
        "headers": [
            (name.encode(), value.encode())
            for name, value in {**request.headers, "authorization": header}.items()
        ],
    }
    assert read_acs3(read_call(scope, body)).matches(SECRET)
    name = data.draw(st.sampled_from(sorted(query)))
    changed = urlencode({**query, name: query[name] + data.draw(st.sampled_from("a 中+"))})
    spoiled = {**scope, "query_string": changed.encode()}
    assert not read_acs3(read_call(spoiled, body)).matches(SECRET)
    assert not read_acs3(read_call(scope, body + b"x")).matches(SECRET)
