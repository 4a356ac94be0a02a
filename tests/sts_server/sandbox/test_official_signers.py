"""Whatever the official OSS signers sign is accepted, and refused once one character of it changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import oss2
from alibabacloud_oss_v2.credentials import Credentials
from alibabacloud_oss_v2.signer import SignerV1, SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.oss.access import read_claim
from sts_server.sandbox.oss.proofs.claim import Claim
from sts_server.sandbox.oss.proofs.v1 import SUBRESOURCES
from sts_server.sandbox.oss.request import OssRequest

SECRET, TOKEN = "ExampleAccessKeySecret0123456789", "CAISexample/Token+with=specials=="
NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
REGION = "cn-hangzhou"


def claim_of(request: OssRequest) -> Claim:
    claim = read_claim(request)
    assert claim is not None
    return claim


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
NAMES = st.text("abcXYZ-_.~*/ 中", min_size=1, max_size=8) | st.sampled_from(
    ["uploadId", "response-expires", "x-oss-process-not", "versionId", "tagging"]
)
VALUE = st.text("abc019-_.~:/=+", min_size=1, max_size=8)
HEADERS = st.dictionaries(
    st.sampled_from(["x-oss-meta-a", "X-Oss-Meta-B", "Content-Type", "Range"]), VALUE
)


def received(method: str, key: str, url: str, headers: dict[str, str]) -> OssRequest:
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    lower = {name.lower(): value for name, value in headers.items()}
    return OssRequest(method, "bkt", key, query, lower, "127.0.0.1", secure=False)


SIGNATURES = {"x-oss-signature", "x-oss-signature-version", "x-oss-credential"}


def spoiled(request: OssRequest, data: st.DataObject) -> OssRequest:
    """Change one character of something that is signed."""
    v4 = "x-oss-signature" in request.query or "OSS4" in request.headers.get("authorization", "")
    queries = set(request.query) - SIGNATURES if v4 else set(request.query) & SUBRESOURCES
    headers = {name for name in request.headers if name.startswith(("x-oss-", "content-type"))}
    texts = {
        ("method", ""): request.method,
        ("bucket", ""): request.bucket,
        ("key", ""): request.key,
        **{("query", name): request.query[name] for name in queries},
        **{("headers", name): request.headers[name] for name in headers},
    }
    part, name = data.draw(st.sampled_from(sorted(where for where, text in texts.items() if text)))
    text = texts[part, name]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in "abXY/中 " if c != text[at]]))
    changed: Any = text[:at] + other + text[at + 1 :]
    if name:
        changed = {**getattr(request, part), name: changed}
    return replace(request, **{part: changed})


@given(
    TEXT, st.dictionaries(NAMES, TEXT, max_size=4), HEADERS, st.booleans(), st.booleans(), st.data()
)
def test_what_oss_v2_signs_is_accepted(
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    v1: bool,
    in_url: bool,
    data: st.DataObject,
) -> None:
    pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in query.items())
    signed = HttpRequest("PUT", f"http://localhost/bkt/{quote(key)}?{pairs}", headers=dict(headers))
    signer = SignerV1() if v1 else SignerV4()
    context = SigningContext(
        product="oss",
        region=REGION,
        bucket="bkt",
        key=key,
        request=signed,
        credentials=Credentials("AK", SECRET, TOKEN),
        signing_time=NOW,
    )
    context.expiration_time = NOW + timedelta(minutes=15)
    context.auth_method_query = in_url
    signer.sign(context)
    request = received("PUT", key, signed.url, dict(signed.headers))
    claim = claim_of(request)
    claim.check(NOW, REGION)
    assert (claim.access_key_id, claim.token) == ("AK", TOKEN)
    assert claim.matches(SECRET)
    assert not claim_of(spoiled(request, data)).matches(SECRET)


@given(
    st.dictionaries(NAMES, TEXT, max_size=4), TEXT.filter(bool), HEADERS, st.booleans(), st.data()
)
def test_what_oss2_signs_is_accepted(
    query: dict[str, str], key: str, headers: dict[str, str], in_url: bool, data: st.DataObject
) -> None:
    auth = oss2.StsAuth("AK", SECRET, TOKEN)
    sent = oss2.http.Request(
        "GET",
        f"http://localhost/bkt/{quote(key, safe='')}",
        params=dict(query),
        headers=dict(headers),
    )
    sent.headers.pop("Content-Type", None)
    if in_url:
        url = auth._sign_url(sent, "bkt", key, 900)
    else:
        auth._sign_request(sent, "bkt", key)
        url = sent.url + "?" + "&".join(f"{quote(n)}={quote(v, safe='')}" for n, v in query.items())
    request = received("GET", key, url, dict(sent.headers))
    claim = claim_of(request)
    claim.check(datetime.now(UTC), REGION)
    assert claim.matches(SECRET)
    assert not claim_of(spoiled(request, data)).matches(SECRET)
