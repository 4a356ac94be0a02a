"""V4 signatures: golden vectors, the two ways to write a blank, and what must not pass."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from alibabacloud_oss_v2.credentials import Credentials
from alibabacloud_oss_v2.signer import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import (
    Authorization,
    canonical_requests,
    matches,
    parse_authorization,
    signing_key,
    string_to_sign,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
OSS = VECTORS["oss"]
SECRET = OSS["access_key_secret"]
SCOPE = "20251201/cn-hangzhou/oss/aliyun_v4_request"
DATE = "20251201T083000Z"


def request_of(vector: dict[str, Any]) -> OssRequest:
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    return OssRequest(
        method=vector["method"],
        bucket=OSS["bucket"],
        key=vector["key"],
        query=dict(vector["query"]),
        headers={
            "user-agent": "not signed",
            "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
            "x-oss-date": DATE,
            "x-oss-security-token": OSS["security_token"],
            **headers,
        },
        peer="127.0.0.1",
        secure=False,
    )


def authorization(signature: str, additional: tuple[str, ...] = ()) -> Authorization:
    return Authorization(OSS["access_key_id"], "20251201", "cn-hangzhou", additional, signature)


@pytest.mark.parametrize("vector", VECTORS["v4_header"], ids=lambda vector: vector["name"])
def test_golden_vectors(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    canonical = next(canonical_requests(request, ()))
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector["canonical_sha256"]
    assert matches(SECRET, request, authorization(vector["signature"]))


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"bucket": "sandbox-bucket2"},
        {"key": "dir/b.txt"},
        {"key": "dir/a.txt/"},
        {"query": {"acl": ""}},
    ],
)
def test_a_changed_request_does_not_match(change: dict[str, Any]) -> None:
    vector = VECTORS["v4_header"][0]
    request = replace(request_of(vector), **change)
    assert not matches(SECRET, request, authorization(vector["signature"]))


def test_another_secret_does_not_match() -> None:
    vector = VECTORS["v4_header"][0]
    assert not matches(SECRET + "x", request_of(vector), authorization(vector["signature"]))


@pytest.mark.parametrize("rendered", ["a&b=&c=1&d", "a&b&c=1&d", "a=&b=&c=1&d=", "a=&b&c=1&d="])
def test_any_mix_of_blank_values_is_understood(rendered: str) -> None:
    vector = VECTORS["v4_header"][2]
    request = replace(request_of(vector), query={"d": "", "c": "1", "b": "", "a": ""})
    first = next(canonical_requests(request, ()))
    canonical = first.replace("a&b&c=1&d", rendered)
    key = signing_key(SECRET, SCOPE)
    text = string_to_sign(DATE, SCOPE, canonical)
    signature = hmac.digest(key, text.encode(), "sha256")
    assert matches(SECRET, request, authorization(signature.hex()))


def test_many_blank_values_are_tried_uniformly_only() -> None:
    query = dict.fromkeys("abcdefghijkl", "")
    request = replace(request_of(VECTORS["v4_header"][2]), query=query)
    assert len(list(canonical_requests(request, ()))) == 2


def test_additional_headers_are_signed() -> None:
    request = request_of(VECTORS["v4_header"][0])
    lines = next(canonical_requests(request, ("user-agent",))).split("\n")
    assert "user-agent:not signed" in lines
    assert lines[-2:] == ["user-agent", "UNSIGNED-PAYLOAD"]


CREDENTIAL = f"Credential=AK/{SCOPE}"
SIGNATURE = "Signature=" + "ab" * 32


@pytest.mark.parametrize(
    "fields",
    [
        f"{CREDENTIAL},AdditionalHeaders=host;range,{SIGNATURE}",
        f"{CREDENTIAL}, {SIGNATURE}, AdditionalHeaders=Range;host",
        f" {SIGNATURE} ,{CREDENTIAL} ,AdditionalHeaders=host;;range",
    ],
)
def test_the_order_of_fields_is_free(fields: str) -> None:
    parsed = parse_authorization(f"OSS4-HMAC-SHA256 {fields}")
    assert (parsed.access_key_id, parsed.region, parsed.scope) == ("AK", "cn-hangzhou", SCOPE)
    assert parsed.additional == ("host", "range")


@pytest.mark.parametrize(
    ("fields", "ec"),
    [
        ("", "0002-00000224"),
        (CREDENTIAL, "0002-00000224"),
        (SIGNATURE, "0002-00000224"),
        (f"{CREDENTIAL},{SIGNATURE},{SIGNATURE}", "0002-00000224"),
        (f"{CREDENTIAL},{SIGNATURE},Else=1", "0002-00000224"),
        (f"Credential=AK/20251201/cn-hangzhou/s3/aliyun_v4_request,{SIGNATURE}", "0002-00000224"),
        (f"Credential=/{SCOPE},{SIGNATURE}", "0002-00000224"),
        (f"{CREDENTIAL},Signature=", "0002-00000208"),
        (f"{CREDENTIAL},Signature=XYZ", "0002-00000208"),
    ],
)
def test_a_malformed_header_is_refused(fields: str, ec: str) -> None:
    with pytest.raises(OssError) as caught:
        parse_authorization(f"OSS4-HMAC-SHA256 {fields}")
    assert (caught.value.status, caught.value.code) == (400, "InvalidArgument")
    assert caught.value.ec == ec


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
NAME = st.text("abcXYZ-_.~*+/% 中", min_size=1, max_size=8)
TOKEN = st.text("abc019-_.~:/=+", min_size=1, max_size=8)


@given(
    key=TEXT,
    query=st.dictionaries(NAME, TEXT, max_size=4),
    headers=st.dictionaries(
        st.sampled_from(["x-oss-meta-a", "X-Oss-Meta-B", "Content-Type", "Range", "Host"]), TOKEN
    ),
    additional=st.sets(st.sampled_from(["range", "host", "content-type"])),
)
def test_what_the_official_signer_signs_is_accepted(
    key: str, query: dict[str, str], headers: dict[str, str], additional: set[str]
) -> None:
    pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in query.items())
    url = f"http://localhost/bkt/{quote(key)}?{pairs}"
    signed = HttpRequest("PUT", url, headers=headers)
    context = SigningContext(
        product="oss",
        region="cn-hangzhou",
        bucket="bkt",
        key=key,
        request=signed,
        credentials=Credentials("AK", SECRET, "token"),
        signing_time=datetime(2025, 12, 1, 8, 30, tzinfo=UTC),
        additional_headers=additional,
    )
    SignerV4().sign(context)
    given_headers = {name.lower(): value for name, value in signed.headers.items()}
    request = OssRequest("PUT", "bkt", key, query, given_headers, "127.0.0.1", secure=False)
    assert matches(SECRET, request, parse_authorization(given_headers["authorization"]))


def test_the_path_is_encoded_once() -> None:
    request = replace(request_of(VECTORS["v4_header"][0]), key="a b%2F*~中/..//x")
    line = next(canonical_requests(request, ())).split("\n")[1]
    assert line == f"/{OSS['bucket']}/a%20b%252F%2A~{quote('中')}/..//x"
