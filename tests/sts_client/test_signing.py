"""The signature against fixed vectors and against the signers of both official SDKs."""

import hashlib
import json
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from alibabacloud_oss_v2.credentials import Credentials as V2Credentials
from alibabacloud_oss_v2.signer.v4 import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from hypothesis import given
from hypothesis import strategies as st

from sts_client import Credentials
from sts_client.signing import (
    ADDITIONAL,
    SigningKeys,
    V4Auth,
    canonical_request,
    signature,
    signing_key,
    string_to_sign,
)
from tests.sts_client.stage import NOW, SECRET, TOKEN

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its source has escapes that Python complains about
    import oss2

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/signatures.json").read_text())

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = TEXT | st.sampled_from(["a/../b", "//", "%2F", "a+b ~*", "?x=1#y", "dir/中 a+b.txt"])
QUERIES = st.dictionaries(
    TEXT.filter(bool), TEXT | st.sampled_from(["", "+", "/", "~", "*", "a b", "%2F"]), max_size=4
)
VALUES = st.from_regex(r"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)
NAMES = (
    st.from_regex(r"x-oss-[a-z-]{1,8}", fullmatch=True)
    | st.from_regex(r"x-oss-meta-[A-Za-z]{1,8}", fullmatch=True)
    | st.sampled_from(["Content-Type", "Content-MD5", "Accept", *sorted(ADDITIONAL)])
).filter(lambda name: name not in {"x-oss-date", "x-oss-content-sha256"})
HEADERS = st.dictionaries(NAMES, VALUES, max_size=6).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)


def signed(
    key: str, query: dict[str, str], headers: dict[str, str], token: str, method: str = "GET"
) -> requests.structures.CaseInsensitiveDict[str]:
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_headers(headers)
    auth = V4Auth(
        Credentials("STS.NTExampleAccessKeyId", SECRET, token),
        region="cn-hangzhou",
        bucket="sandbox-bucket",
        key=key,
        now=NOW,
        query=tuple(query.items()),
    )
    return auth(request).headers


def parts(authorization: str) -> dict[str, str | list[str]]:
    """Take an Authorization apart; the SDKs order its parts, and the names in it, differently."""
    _, _, rest = authorization.partition(" ")
    found: dict[str, str | list[str]] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.strip().partition("=")
        found[name] = value
    found["AdditionalHeaders"] = sorted(str(found.get("AdditionalHeaders", "")).split(";"))
    return found


@pytest.mark.parametrize("vector", VECTORS["v4_header"], ids=lambda vector: str(vector["name"]))
def test_vectors(vector: dict[str, Any]) -> None:
    oss = VECTORS["oss"]
    headers = {
        **vector["headers"],
        "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
        "x-oss-date": "20251201T083000Z",
        "x-oss-security-token": oss["security_token"],
    }
    query = [(name, value) for name, value in vector["query"]]
    canonical, listed = canonical_request(
        vector["method"], oss["bucket"], vector["key"], query, headers
    )
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector["canonical_sha256"]
    assert listed == ""
    key = signing_key(oss["access_key_secret"], "20251201", oss["region"])
    assert (
        signature(key, string_to_sign(canonical, "20251201T083000Z", oss["region"]))
        == vector["signature"]
    )


@given(KEYS, QUERIES, HEADERS, st.sampled_from(["", TOKEN]))
def test_equals_the_signer_of_alibabacloud_oss_v2(
    key: str, query: dict[str, str], headers: dict[str, str], token: str
) -> None:
    ours = signed(key, query, headers, token)
    url = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in query.items())
    request = HttpRequest("GET", f"https://example.com/?{url}", headers=dict(headers))
    context = SigningContext(
        product="oss",
        region="cn-hangzhou",
        bucket="sandbox-bucket",
        key=key,
        request=request,
        credentials=V2Credentials("STS.NTExampleAccessKeyId", SECRET, token),
        signing_time=datetime.fromtimestamp(NOW, UTC),
        additional_headers=set(ADDITIONAL),
    )
    SignerV4().sign(context)
    assert parts(ours["Authorization"]) == parts(request.headers["Authorization"])
    assert ours["x-oss-date"] == request.headers["x-oss-date"]


class Fixed:
    """What oss2 asks for credentials."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_credentials(self) -> "Fixed":
        return self

    def get_access_key_id(self) -> str:
        return "STS.NTExampleAccessKeyId"

    def get_access_key_secret(self) -> str:
        return SECRET

    def get_security_token(self) -> str:
        return self._token


@given(KEYS, QUERIES, HEADERS, st.sampled_from(["", TOKEN]))
def test_equals_the_signer_of_oss2(
    key: str, query: dict[str, str], headers: dict[str, str], token: str
) -> None:
    # oss2 stamps with the clock of the machine, so its date is given to ours.
    request = oss2.http.Request(
        "GET",
        "https://example.com/",
        params=dict(query),
        headers=dict(headers),
        region="cn-hangzhou",
        product="oss",
    )
    auth = oss2.ProviderAuthV4(Fixed(token))
    wanted = {name.lower() for name in headers} & ADDITIONAL
    auth._sign_request(request, "sandbox-bucket", key, in_additional_headers=wanted)
    when = datetime.strptime(request.headers["x-oss-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = requests.PreparedRequest()
    ours.prepare_method("GET")
    ours.prepare_headers(headers)
    credentials = Credentials("STS.NTExampleAccessKeyId", SECRET, token)
    V4Auth(
        credentials,
        region="cn-hangzhou",
        bucket="sandbox-bucket",
        key=key,
        now=when.timestamp(),
        query=tuple(query.items()),
    )(ours)
    assert parts(ours.headers["Authorization"]) == parts(request.headers["authorization"])


def test_conditions_and_ranges_are_under_the_signature() -> None:
    plain = signed("a", {}, {}, TOKEN)["Authorization"]
    guarded = signed("a", {}, {"If-None-Match": '"1"', "Range": "bytes=0-1"}, TOKEN)
    assert "AdditionalHeaders=if-none-match;range," in guarded["Authorization"]
    assert "AdditionalHeaders" not in plain


def test_a_signing_key_serves_for_one_secret_day_and_region() -> None:
    keys = SigningKeys()
    key = keys.key("secret", "20251201", "cn-hangzhou")
    assert keys.key("secret", "20251201", "cn-hangzhou") is key
    assert keys.key("secret", "20251202", "cn-hangzhou") != key
    assert keys.key("secret", "20251201", "cn-beijing") != key
    assert keys.key("other", "20251201", "cn-hangzhou") != key


def test_shows_no_secret() -> None:
    auth = V4Auth(
        Credentials("id", SECRET, TOKEN), region="cn-hangzhou", bucket="b", key="k", now=NOW
    )
    assert SECRET not in repr(auth)
    assert TOKEN not in repr(auth)


def test_a_remembered_key_serves_only_its_owner() -> None:
    keys = SigningKeys()
    for secret in ("one", "other"):
        for day in ("20251201", "20251202"):
            for region in ("cn-hangzhou", "cn-beijing"):
                for _ in range(2):
                    assert keys.key(secret, day, region) == signing_key(secret, day, region)
    assert keys.key("one", "20251202", "cn-beijing") == signing_key("one", "20251202", "cn-beijing")


def presigned(headers: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    auth = V4Auth(
        Credentials("STS.NTExampleAccessKeyId", SECRET, token),
        region="cn-hangzhou",
        bucket="sandbox-bucket",
        key="dir/a.txt",
        now=NOW,
    )
    return dict(auth.in_query("GET", headers, 900))


def test_a_signed_url_is_the_one_that_the_official_sdks_make() -> None:
    # Made by oss2 and by alibabacloud-oss-v2 alike.
    assert presigned({})["x-oss-signature"] == (
        "884af4ebe614bdc74ad046a7118b033b1d294551d38e4f36b535f057e10144b9"
    )


def test_what_a_signed_url_wants_sent_is_named_in_it() -> None:
    query = presigned({"If-None-Match": '"1"', "x-oss-forbid-overwrite": "true"}, token="")
    assert query["x-oss-additional-headers"] == "if-none-match"
    assert "x-oss-security-token" not in query
