"""The first duty of the sandbox: to say no, with OSS's own status, code and EC, and change nothing.

Requests are signed by the official V4 signer and then spoiled one way each.
"""

import http.client
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest
import requests
from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url

from sts_server.sandbox import Sandbox
from tests.integration.signed import Answer, Call, Lease, Spoil, send, signed


@pytest.fixture(autouse=True)
def untouched(sandbox: Sandbox) -> Iterator[None]:
    """Whatever was refused, the bucket holds what it held."""
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    session = oss2.Session()
    bucket = oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )

    def listing() -> list[tuple[str, str]]:
        return [(item.key, item.etag) for item in oss2.ObjectIteratorV2(bucket)]

    before = listing()
    yield
    assert listing() == before
    session.session.close()


def test_the_same_request_unspoiled_is_served(sandbox: Sandbox, lease: Lease) -> None:
    missing = Call("GET", "users/alice/missing", body=None)
    assert send(sandbox, lease, missing) == (404, "NoSuchKey", "0026-00000001")
    mine = Call("GET", key="", query="?list-type=2&prefix=users%2Falice%2F", body=None)
    assert send(sandbox, lease, mine) == (200, "", "")


def spoil_header(name: str, value: str) -> Spoil:
    def spoil(request: requests.PreparedRequest) -> None:
        request.headers[name] = value

    return spoil


def spoil_query(request: requests.PreparedRequest) -> None:
    request.url = str(request.url).replace("prefix=users%2Falice%2F", "prefix=users%2Falice%2Fb")


def drop_authorization(request: requests.PreparedRequest) -> None:
    del request.headers["Authorization"]


LIST_MINE = Call("GET", key="", query="?list-type=2&prefix=users%2Falice%2F", body=None)
DENIED = (403, "AccessDenied", "0003-00000201")
MISMATCH = (403, "SignatureDoesNotMatch", "0002-00000201")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"AccessKeySecret": "wrong"}, MISMATCH),
        ({"SecurityToken": "wrong"}, (403, "InvalidSecurityToken", "0002-00000006")),
        ({"SecurityToken": None}, (403, "InvalidAccessKeyId", "0002-00000003")),
        ({"AccessKeyId": "STS.nobody"}, (403, "InvalidAccessKeyId", "0002-00000002")),
        ({"AccessKeyId": "LTAInobody"}, (403, "InvalidAccessKeyId", "0002-00000002")),
        (
            {"AccessKeyId": "LTAInobody", "SecurityToken": None},
            (403, "InvalidAccessKeyId", "0002-00000902"),
        ),
    ],
)
def test_wrong_keys(
    sandbox: Sandbox, lease: Lease, change: dict[str, Any], expected: Answer
) -> None:
    assert send(sandbox, {**lease, **change}, Call()) == expected


def test_the_token_of_another_lease(sandbox: Sandbox, lease: Lease) -> None:
    url, _ = get_signed_url(
        {
            "Action": "AssumeRole",
            "Version": "2015-04-01",
            "RoleArn": sandbox.role_arn,
            "RoleSessionName": "bob",
        },
        sandbox.access_key_id,
        sandbox.access_key_secret,
        "JSON",
        "GET",
        {},
    )
    other = requests.get(sandbox.sts_endpoint + url, timeout=10).json()["Credentials"]
    mixed = {**lease, "SecurityToken": other["SecurityToken"]}
    expected = (403, "AccessKeyIdAndSecurityTokenNotMatch", "0002-00000004")
    assert send(sandbox, mixed, Call()) == expected


def test_an_expired_token(sandbox: Sandbox, own_lease: Lease) -> None:
    assert sandbox.expire(own_lease["AccessKeyId"]) == 1
    assert send(sandbox, own_lease, Call()) == (403, "SecurityTokenExpired", "0002-00000007")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_stale_date(sandbox: Sandbox, lease: Lease, minutes: int) -> None:
    call = Call(at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert send(sandbox, lease, call) == (403, "RequestTimeTooSkewed", "0002-00000504")


@pytest.mark.parametrize(
    ("call", "spoil", "expected"),
    [
        (Call(headers={"x-oss-meta-a": "1"}), spoil_header("x-oss-meta-a", "2"), MISMATCH),
        (Call(), spoil_header("x-oss-meta-added", "1"), MISMATCH),
        (Call(headers={"Content-Type": "a/b"}), spoil_header("Content-Type", "a/c"), MISMATCH),
        (LIST_MINE, spoil_query, MISMATCH),
        (Call(), spoil_header("x-oss-date", "yesterday"), (403, "AccessDenied", "0002-00000502")),
        (Call(), drop_authorization, (403, "AccessDenied", "0003-00000905")),
        (
            Call(),
            spoil_header("Authorization", "OSS4-HMAC-SHA256 nonsense"),
            (400, "InvalidArgument", "0002-00000224"),
        ),
        (
            Call(),
            spoil_header("Authorization", "OSS id:signature"),
            (400, "NotImplemented", "0017-00000245"),
        ),
        (Call(region="cn-beijing"), None, (400, "InvalidArgument", "0002-00000226")),
    ],
)
def test_spoiled_requests(
    sandbox: Sandbox, lease: Lease, call: Call, spoil: Spoil | None, expected: Answer
) -> None:
    assert send(sandbox, lease, call, spoil) == expected


@pytest.mark.parametrize(
    "call",
    [
        Call(key="users/bob/x"),
        Call(key="users/alice-evil/x"),
        Call(key="users/alice"),
        Call("GET", "users/bob/x", body=None),
        Call("DELETE", "users/bob/x", body=None),
        Call("GET", key="", query="?list-type=2&prefix=users%2Fbob%2F", body=None),
        Call("GET", key="", query="?list-type=2&prefix=users%2Falice", body=None),
        Call("GET", key="", query="?list-type=2&prefix=", body=None),
        Call("GET", key="", query="?list-type=2", body=None),
    ],
)
def test_outside_the_session_policy(sandbox: Sandbox, lease: Lease, call: Call) -> None:
    assert send(sandbox, lease, call) == DENIED


@pytest.mark.parametrize(
    "header", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_condition_on_a_write(sandbox: Sandbox, lease: Lease, method: str, header: str) -> None:
    call = Call(method, headers={header: "*"})
    assert send(sandbox, lease, call) == (400, "NotImplemented", "0017-00000245")


@pytest.mark.parametrize(
    "call",
    [
        Call("POST", query="?x-oss-process", body=None),
        Call("PUT", query="?metaQuery"),
        Call("PUT", query="?versionId=1"),
        Call("GET", query="?x-oss-process=style%2Fa", body=None),
        Call("GET", key="", query="?lifecycle", body=None),
        Call("GET", key="", query="?list-type=1", body=None),
        Call("PUT", headers={"x-oss-callback": "e30="}),
        Call("PUT", headers={"x-oss-server-side-encryption": "AES256"}),
        Call("PUT", headers={"x-oss-storage-class": "Archive"}),
    ],
)
def test_what_is_not_implemented_is_said(sandbox: Sandbox, lease: Lease, call: Call) -> None:
    assert send(sandbox, lease, call) == (400, "NotImplemented", "0017-00000245")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call(bucket="no-such-bucket"), (404, "NoSuchBucket", "0015-00000101")),
        (Call(bucket="Bad_Bucket"), (400, "InvalidBucketName", "0015-00000001")),
        (Call(key="users/alice/" + "x" * 1012), (400, "InvalidObjectName", "0016-00000002")),
        (Call(headers={"Content-MD5": "AAAA"}), (400, "InvalidDigest", "0000-00000000")),
        (
            Call(headers={"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
            (400, "InvalidDigest", "0000-00000000"),
        ),
        (
            Call(headers={"x-oss-forbid-overwrite": "maybe"}),
            (400, "InvalidArgument", "0000-00000000"),
        ),
        (
            Call(headers={"x-oss-meta-big": "x" * 8192}),
            (400, "InvalidArgument", "0000-00000000"),
        ),
        (
            Call("GET", "", "?list-type=2&prefix=users%2Falice%2F&max-keys=0", None),
            (400, "InvalidArgument", "0017-00000225"),
        ),
    ],
)
def test_wrong_requests(sandbox: Sandbox, lease: Lease, call: Call, expected: Answer) -> None:
    assert send(sandbox, lease, call) == expected


def test_a_missing_bucket_is_said_before_an_unknown_key(sandbox: Sandbox, lease: Lease) -> None:
    call = replace(Call(), bucket="no-such-bucket")
    nobody = {**lease, "AccessKeyId": "STS.nobody"}
    assert send(sandbox, nobody, call) == (404, "NoSuchBucket", "0015-00000101")


def test_a_body_without_a_length(sandbox: Sandbox, lease: Lease) -> None:
    """`requests` always sends a length, so this one is written by hand."""
    prepared = signed(sandbox, lease, Call())
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
    connection.putrequest("PUT", prepared.path_url)
    for name, value in prepared.headers.items():
        if name.lower() not in ("content-length", "host"):
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    error = ET.fromstring(answer.read())
    connection.close()
    assert (answer.status, error.findtext("Code")) == (411, "MissingContentLength")


def test_a_call_to_sts_that_is_played_twice(sandbox: Sandbox) -> None:
    parameters = {"Action": "GetCallerIdentity", "Version": "2015-04-01"}
    keys = (sandbox.access_key_id, sandbox.access_key_secret)
    url, _ = get_signed_url(parameters, *keys, "JSON", "POST", {})
    first = requests.post(sandbox.sts_endpoint + url, timeout=10)
    again = requests.post(sandbox.sts_endpoint + url, timeout=10)
    assert first.status_code == 200
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")


def test_nothing_secret_is_recorded(sandbox: Sandbox, lease: Lease) -> None:
    sandbox.clear_requests()
    send(sandbox, lease, LIST_MINE)
    send(sandbox, {**lease, "AccessKeySecret": "wrong"}, Call())
    recorded = sandbox.requests()
    assert [seen["operation"] for seen in recorded] == ["ListObjectsV2", ""]
    assert [seen["code"] for seen in recorded] == ["", "SignatureDoesNotMatch"]
    assert {seen["access_key_id"] for seen in recorded} == {lease["AccessKeyId"]}
    text = json.dumps(recorded).lower()
    assert "authorization" not in text
    assert lease["SecurityToken"].lower() not in text
    assert lease["AccessKeySecret"].lower() not in text
