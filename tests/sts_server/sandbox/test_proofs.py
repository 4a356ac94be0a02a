"""V4 URLs, V1 headers and V1 URLs: golden vectors, the official signers, and what must not pass."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sts_server.sandbox.oss.access import read_claim, without_signature
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.proofs.claim import Claim
from sts_server.sandbox.oss.proofs.v1 import SUBRESOURCES
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.oss.signature import canonical_requests, parse_authorization

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
OSS = VECTORS["oss"]
KEY, SECRET, TOKEN = OSS["access_key_id"], OSS["access_key_secret"], OSS["security_token"]
NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
REGION = "cn-hangzhou"


def request_of(vector: dict[str, Any], **headers: str) -> OssRequest:
    return OssRequest(
        method=vector["method"],
        bucket=vector.get("bucket", OSS["bucket"]),
        key=vector["key"],
        query=dict(vector["query"]),
        headers={name.lower(): value for name, value in {**vector["headers"], **headers}.items()},
        peer="127.0.0.1",
        secure=False,
    )


def claim_of(request: OssRequest) -> Claim:
    claim = read_claim(request)
    assert claim is not None
    return claim


def refusal(act: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(OssError) as caught:
        act()
    return caught.value.status, caught.value.code, caught.value.ec


def v4_url() -> OssRequest:
    vector = VECTORS["v4_query"][0]
    request = request_of(vector)
    return replace(request, query={**request.query, "x-oss-signature": vector["signature"]})


def v1_url() -> OssRequest:
    vector = VECTORS["v1_query"][0]
    request = request_of(vector)
    return replace(request, query={**request.query, "Signature": vector["signature"]})


def v1_header(vector: dict[str, Any]) -> OssRequest:
    return request_of(vector, Authorization=f"OSS {KEY}:{vector['signature']}")


SIGNED = [v4_url(), v1_url(), *map(v1_header, VECTORS["v1_header"])]


@pytest.mark.parametrize(("resource", "good"), [("/bkt/", True), ("/bkt", False), ("/", False)])
def test_the_resource_of_a_bucket_ends_in_a_slash(resource: str, *, good: bool) -> None:
    """OSS, "Include a V1 signature": opendal leaves the slash away when it uses path style."""
    date = "Mon, 01 Dec 2025 08:30:00 GMT"
    text = f"GET\n\n\n{date}\n{resource}"
    signature = base64.b64encode(hmac.digest(b"s", text.encode(), "sha1")).decode()
    headers = {"date": date, "authorization": f"OSS LTAIx:{signature}"}
    request = OssRequest("GET", "bkt", "", {"prefix": "a"}, headers, "127.0.0.1", secure=False)
    assert claim_of(request).matches("s") is good


@pytest.mark.parametrize("request_", SIGNED)
def test_golden_vectors(request_: OssRequest) -> None:
    claim = claim_of(request_)
    claim.check(NOW, REGION)
    assert (claim.access_key_id, claim.token) == (KEY, TOKEN)
    assert claim.matches(SECRET)
    assert not claim.matches(SECRET + "x")
    assert SECRET not in repr(claim)
    assert (
        TOKEN not in repr(claim.evidence())
        or request_.query
        or "security-token" in str(claim.evidence())
    )


def test_the_documented_canonical_request_of_a_url() -> None:
    canonical = next(canonical_requests(v4_url(), ()))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert digest == VECTORS["v4_query"][0]["canonical_sha256"]


@pytest.mark.parametrize("vector", VECTORS["v4_additional_headers"], ids=lambda v: v["name"])
def test_additional_headers(vector: dict[str, Any]) -> None:
    scope = f"{vector['access_key_id']}/20250411/cn-hangzhou/oss/aliyun_v4_request"
    fields = f"Credential={scope},AdditionalHeaders={';'.join(vector['additional'])}"
    header = f"OSS4-HMAC-SHA256 {fields},Signature={vector['signature']}"
    request = request_of(vector, Authorization=header)
    canonical = next(canonical_requests(request, parse_authorization(header).additional))
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector["canonical_sha256"]
    assert claim_of(request).matches(vector["access_key_secret"])


@pytest.mark.parametrize("request_", SIGNED)
@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"bucket": "sandbox-bucket2"},
        {"key": "dir/b.txt"},
        {"key": "dir/a.txt/"},
    ],
)
def test_a_changed_request_does_not_match(request_: OssRequest, change: dict[str, Any]) -> None:
    assert not claim_of(replace(request_, **change)).matches(SECRET)


@pytest.mark.parametrize("request_", SIGNED)
@pytest.mark.parametrize("header", ["content-type", "content-md5", "x-oss-meta-added"])
def test_an_added_header_does_not_match(request_: OssRequest, header: str) -> None:
    changed = replace(request_, headers={**request_.headers, header: "else"})
    assert not claim_of(changed).matches(SECRET)


@pytest.mark.parametrize("name", sorted(SUBRESOURCES - {"security-token"}))
def test_an_added_subresource_does_not_match(name: str) -> None:
    url = v1_url()
    assert not claim_of(replace(url, query={**url.query, name: "1"})).matches(SECRET)


def test_v1_signs_no_other_parameter() -> None:
    url = v1_url()
    assert claim_of(replace(url, query={**url.query, "prefix": "a/"})).matches(SECRET)


EXPIRED = (403, "AccessDenied", "0002-00000069")


@pytest.mark.parametrize("request_", [v4_url(), v1_url()])
def test_a_url_lives_until_its_last_second(request_: OssRequest) -> None:
    end = NOW + timedelta(minutes=15)
    claim_of(request_).check(end, REGION)
    late = end + timedelta(seconds=1)
    assert refusal(lambda: claim_of(request_).check(late, REGION)) == EXPIRED


def test_a_v4_url_from_the_future() -> None:
    early = NOW - timedelta(minutes=16)
    expected = (403, "RequestTimeTooSkewed", "0002-00000504")
    assert refusal(lambda: claim_of(v4_url()).check(early, REGION)) == expected


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_v1_header_out_of_date(minutes: int) -> None:
    request = v1_header(VECTORS["v1_header"][0])
    moment = NOW + timedelta(minutes=minutes)
    expected = (403, "RequestTimeTooSkewed", "0002-00000504")
    assert refusal(lambda: claim_of(request).check(moment, REGION)) == expected


@pytest.mark.parametrize(
    ("date", "ec"),
    [(None, "0002-00000503"), ("20251201T083000Z", "0002-00000502"), ("", "0002-00000502")],
)
def test_v1_wants_a_gmt_date(date: str | None, ec: str) -> None:
    request = v1_header(VECTORS["v1_header"][0])
    headers = {k: v for k, v in request.headers.items() if k != "date"}
    headers |= {} if date is None else {"date": date}
    claim = claim_of(replace(request, headers=headers))
    assert refusal(lambda: claim.check(NOW, REGION)) == (403, "AccessDenied", ec)


V4 = v4_url().query
V1 = v1_url().query
OTHER = "0000-00000000"


@pytest.mark.parametrize(
    ("query", "code", "ec"),
    [
        ({**V4, "x-oss-signature-version": "OSS5"}, "InvalidArgument", OTHER),
        ({**V4, "x-oss-expires": "0"}, "InvalidArgument", "0002-00000232"),
        ({**V4, "x-oss-expires": "604801"}, "InvalidArgument", "0002-00000232"),
        ({**V4, "x-oss-expires": "-1"}, "InvalidArgument", "0002-00000232"),
        ({**V4, "x-oss-expires": "٩"}, "InvalidArgument", "0002-00000232"),
        ({k: v for k, v in V4.items() if k != "x-oss-expires"}, "InvalidArgument", "0002-00000215"),
        (
            {k: v for k, v in V4.items() if k != "x-oss-signature"},
            "InvalidArgument",
            "0002-00000219",
        ),
        ({**V4, "x-oss-signature": ""}, "InvalidArgument", "0002-00000220"),
        ({**V4, "x-oss-credential": "a/b"}, "InvalidArgument", "0002-00000224"),
        ({**V4, "x-oss-credential": "a,b"}, "InvalidArgument", "0002-00000224"),
        ({k: v for k, v in V4.items() if k != "x-oss-date"}, "AccessDenied", "0002-00000503"),
        ({**V4, "x-oss-date": "20251202T083000Z"}, "RequestTimeTooSkewed", "0002-00000504"),
        (
            {**V4, "x-oss-date": "20251130T235959Z", "x-oss-expires": "604800"},
            "InvalidArgument",
            "0002-00000223",
        ),
        ({k: v for k, v in V1.items() if k != "Expires"}, "AccessDenied", OTHER),
        ({k: v for k, v in V1.items() if k != "Signature"}, "AccessDenied", OTHER),
        ({**V1, "Expires": "soon"}, "InvalidArgument", OTHER),
        ({**V1, "Expires": "1764578700000"}, "InvalidArgument", OTHER),
        ({**V1, **V4}, "InvalidArgument", OTHER),
    ],
)
def test_a_url_that_is_not_whole(query: dict[str, str], code: str, ec: str) -> None:
    request = replace(v4_url(), query=query)
    assert refusal(lambda: claim_of(request).check(NOW, REGION))[1:] == (code, ec)


def test_a_region_that_is_another() -> None:
    expected = (400, "InvalidArgument", "0002-00000226")
    assert refusal(lambda: claim_of(v4_url()).check(NOW, "cn-beijing")) == expected


@pytest.mark.parametrize("request_", [v4_url(), v1_url()])
def test_two_proofs_and_two_tokens(request_: OssRequest) -> None:
    both = replace(request_, headers={"authorization": f"OSS {KEY}:abc="})
    assert refusal(lambda: read_claim(both))[:2] == (400, "InvalidArgument")
    tokens = replace(request_, headers={"x-oss-security-token": TOKEN})
    assert refusal(lambda: read_claim(tokens)) == (400, "InvalidArgument", "0002-00000010")


@pytest.mark.parametrize(
    "header", ["OSS", "OSS ", "OSS a", "OSS :b", "OSS a:", "OSS a b:c", "Basic a:b"]
)
def test_a_header_that_is_no_v1_header(header: str) -> None:
    request = replace(v1_url(), query={}, headers={"authorization": header})
    assert refusal(lambda: read_claim(request))[0] == 400


def test_operations_never_see_a_signature() -> None:
    for url in (v4_url(), v1_url()):
        extra = replace(url, query={**url.query, "response-expires": "0"})
        assert without_signature(extra).query == {"response-expires": "0"}
    plain = replace(v1_url(), query={"Expires": "1", "x-oss-date": "2"})
    assert without_signature(plain) == plain
