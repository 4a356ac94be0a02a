"""Policies of form uploads: the golden one, each operator, and documents that are not understood."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.post_policy import parse_post_policy
from sts_server.sandbox.oss.proofs.form import read_form

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
OSS = VECTORS["oss"]
(VECTOR,) = VECTORS["form"]
NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
V4 = {
    "policy": VECTOR["policy"],
    "x-oss-signature-version": "OSS4-HMAC-SHA256",
    "x-oss-credential": f"{OSS['access_key_id']}/20251201/cn-hangzhou/oss/aliyun_v4_request",
    "x-oss-date": "20251201T083000Z",
    "x-oss-security-token": OSS["security_token"],
    "x-oss-signature": VECTOR["v4_signature"],
}
V1 = {
    "policy": VECTOR["policy"],
    "ossaccesskeyid": OSS["access_key_id"],
    "x-oss-security-token": OSS["security_token"],
    "signature": VECTOR["v1_signature"],
}


@pytest.mark.parametrize("fields", [V4, V1])
def test_the_golden_vector(fields: dict[str, str]) -> None:
    proof = read_form(fields)
    assert proof is not None
    proof.check(NOW, "cn-hangzhou")
    assert (proof.access_key_id, proof.token) == (OSS["access_key_id"], OSS["security_token"])
    assert proof.matches(OSS["access_key_secret"])
    assert not proof.matches(OSS["access_key_secret"] + "x")
    other = read_form({**fields, "policy": encoded({})})
    assert other is not None
    assert not other.matches(OSS["access_key_secret"])
    assert OSS["security_token"] not in repr(proof)
    policy = parse_post_policy(fields["policy"])
    policy.check({**V4, "bucket": OSS["bucket"], "key": "dir/a"}, NOW)
    assert (policy.smallest, policy.largest) == (1, 1048576)
    assert policy.demands("x-oss-date")
    assert not policy.demands("key")


@pytest.mark.parametrize(
    "fields",
    [
        {**V4, **V1},
        {"policy": "x"},
        {**V4, "x-oss-signature": ""},
        {**V4, "x-oss-signature": "abc"},
        {**V4, "x-oss-credential": "a/b"},
        {**V4, "x-oss-signature-version": "OSS5"},
        {k: v for k, v in V4.items() if k != "policy"},
        {k: v for k, v in V4.items() if k != "x-oss-date"},
        {k: v for k, v in V1.items() if k != "signature"},
    ],
)
def test_fields_that_prove_nothing(fields: dict[str, str]) -> None:
    with pytest.raises(OssError) as caught:
        read_form(fields)
    assert (caught.value.status, caught.value.code) == (400, "InvalidArgument")


def test_a_form_without_any_proof() -> None:
    assert read_form({"key": "a"}) is None


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def policy(*conditions: Any, expiration: str = "2025-12-01T09:30:00.000Z") -> str:
    return encoded({"expiration": expiration, "conditions": list(conditions)})


FIELDS = {"bucket": "bkt", "key": "dir/a.txt", "content-type": "text/plain"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"bucket": "bkt"}, True),
        ({"bucket": "bkt", "Key": "dir/a.txt"}, True),
        ({"bucket": "bkt", "key": "dir/b.txt"}, False),
        (["eq", "$key", "dir/a.txt"], True),
        (["eq", "$KEY", "dir/a.txt"], True),
        (["eq", "$key", "dir/"], False),
        (["eq", "$missing", ""], False),
        (["starts-with", "$key", "dir/"], True),
        (["starts-with", "$key", ""], True),
        (["starts-with", "$key", "Dir/"], False),
        (["starts-with", "$missing", ""], False),
        (["in", "$content-type", ["image/jpg", "text/plain"]], True),
        (["in", "$content-type", ["image/jpg"]], False),
        (["in", "$content-type", []], False),
        (["not-in", "$content-type", ["image/jpg"]], True),
        (["not-in", "$content-type", ["text/plain"]], False),
        (["not-in", "$missing", ["a"]], False),
    ],
)
def test_conditions(condition: Any, holds: bool) -> None:
    parsed = parse_post_policy(policy({"bucket": "bkt"}, condition))
    if holds:
        parsed.check(FIELDS, NOW)
        return
    with pytest.raises(OssError, match="403 AccessDenied"):
        parsed.check(FIELDS, NOW)


def test_it_ends() -> None:
    parsed = parse_post_policy(policy({"bucket": "bkt"}))
    with pytest.raises(OssError) as caught:
        parsed.check(FIELDS, parsed.expiration)
    assert caught.value.message == "Invalid according to Policy: Policy expired."
    replace(parsed, expiration=datetime(2099, 1, 1, tzinfo=UTC)).check(FIELDS, parsed.expiration)


def test_ranges_only_narrow() -> None:
    ranges = (["content-length-range", 1, 9], ["content-length-range", 0, 5])
    parsed = parse_post_policy(policy(*ranges))
    assert (parsed.smallest, parsed.largest) == (1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "%%%",
        base64.b64encode(b"{").decode(),
        base64.b64encode(b"[" * 9999).decode(),
        encoded([]),
        encoded({"conditions": [{"a": "b"}]}),
        encoded({"expiration": "2025-12-01T09:30:00Z", "conditions": [{"a": "b"}], "more": 1}),
        policy(),
        policy("a"),
        policy({}),
        policy({"a": 1}),
        policy([]),
        policy(["eq", "$a"]),
        policy(["eq", "a", "b"]),
        policy(["eq", "$a", 1]),
        policy(["eq", 1, "a"]),
        policy(["in", "$a", "b"]),
        policy(["like", "$a", "b"]),
        policy(["content-length-range", 1]),
        policy(["content-length-range", -1, 5]),
        policy(["content-length-range", True, 5]),
        policy(["content-length-range", "1", "5"]),
        policy({"a": "b"}, expiration="tomorrow"),
        policy({"a": "b"}, expiration="2025-12-01T09:30:00"),
        policy({"a": "b"}, expiration="2025-99-01T09:30:00Z"),
    ],
)
def test_what_is_not_understood(text: str) -> None:
    with pytest.raises(OssError) as caught:
        parse_post_policy(text)
    assert (caught.value.status, caught.value.code) == (400, "InvalidPolicyDocument")
