"""The refusal matrix: who asks for what, and the status, code and EC that they get.

Requests are signed by the official V4 signer; some are then spoiled in one way. Nothing of it may
change the bucket.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import oss2
import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import Server, lease_by_hand
from tests.integration.signed import (
    Answer,
    Call,
    Lease,
    Spoil,
    header,
    method,
    scope_date,
    send,
    url,
    without,
)

DENIED = (403, "AccessDenied", "0003-00000201")
MISMATCH = (403, "SignatureDoesNotMatch", "0002-00000201")
NOT_IMPLEMENTED = (400, "NotImplemented", "0017-00000245")
UNKNOWN = (403, "InvalidAccessKeyId", "0002-00000002")
NO_OBJECT_NAME = (400, "InvalidObjectName", "0016-00000002")
THERE = "users/alice/there"
PAST, FUTURE = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@dataclass(frozen=True)
class Row:
    """One refusal.

    Attributes:
        who: A name among `callers`.
        call: What they mean to ask.
        expected: Status, code and EC.
        spoil: What happens to the request after it was signed.
    """

    who: str
    call: Call
    expected: Answer
    spoil: Spoil | None = None


@pytest.fixture(scope="module")
def callers(sandbox: Sandbox, shared: Server) -> dict[str, Lease]:
    """Everyone who asks."""
    alice = shared.lease(grant="everything")
    bob = shared.lease("bob")
    owner = {
        "AccessKeyId": sandbox.access_key_id,
        "AccessKeySecret": sandbox.access_key_secret,
    }
    expired, revoked = lease_by_hand(sandbox), lease_by_hand(sandbox)
    sandbox.expire(expired["AccessKeyId"])
    sandbox.revoke(revoked["AccessKeyId"])
    assert send(sandbox, owner, Call(key=THERE, body=b"here"))[0] == 200
    return {
        "alice": alice,
        "alice, who may not delete": shared.lease(),
        "bob": bob,
        "owner": owner,
        "expired": expired,
        "revoked": revoked,
        "wrong secret": {**alice, "AccessKeySecret": "wrong"},
        "wrong token": {**alice, "SecurityToken": "wrong"},
        "bob's token": {**alice, "SecurityToken": bob["SecurityToken"]},
        "no token": {k: v for k, v in alice.items() if k != "SecurityToken"},
        "unknown session": {**alice, "AccessKeyId": "STS.nobody"},
        "unknown user with a token": {**alice, "AccessKeyId": "LTAInobody"},
        "unknown user": {"AccessKeyId": "LTAInobody", "AccessKeySecret": "x"},
        "owner with a token": {**owner, "SecurityToken": alice["SecurityToken"]},
        "owner, wrong secret": {**owner, "AccessKeySecret": "wrong"},
    }


@pytest.fixture(autouse=True)
def untouched(sandbox: Sandbox, callers: dict[str, Lease]) -> Iterator[None]:
    """Whatever was refused, the bucket holds what it held."""
    owner = callers["owner"]
    auth = oss2.AuthV4(owner["AccessKeyId"], owner["AccessKeySecret"])
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


def get(key: str = THERE, query: str = "", **headers: str) -> Call:
    return Call("GET", key, query, None, {k.replace("_", "-"): v for k, v in headers.items()})


def head(key: str = THERE, **headers: str) -> Call:
    return Call("HEAD", key, "", None, {k.replace("_", "-"): v for k, v in headers.items()})


def delete(key: str) -> Call:
    return Call("DELETE", key, body=None)


def listing(query: str) -> Call:
    return Call("GET", "", f"?list-type=2{query}", None)


def put(key: str = "users/alice/refused.txt", query: str = "", **headers: str) -> Call:
    return Call("PUT", key, query, headers={k.replace("_", "-"): v for k, v in headers.items()})


def off(minutes: int) -> Call:
    """Stamp a request; an hour off stays wrong however long the tests take to get there."""
    return Call(at=datetime.now(UTC) + timedelta(minutes=minutes))


MINE = "&prefix=users%2Falice%2F"

IDENTITY = [
    Row("wrong secret", put(), MISMATCH),
    Row("wrong secret", head(), MISMATCH),
    Row("owner, wrong secret", get(), MISMATCH),
    Row("wrong token", put(), (403, "InvalidSecurityToken", "0002-00000006")),
    Row("bob's token", put(), (403, "AccessKeyIdAndSecurityTokenNotMatch", "0002-00000004")),
    Row("no token", put(), (403, "InvalidAccessKeyId", "0002-00000003")),
    Row("expired", put(), (403, "SecurityTokenExpired", "0002-00000007")),
    Row("expired", head(), (403, "SecurityTokenExpired", "0002-00000007")),
    Row("revoked", put(), UNKNOWN),
    Row("unknown session", put(), UNKNOWN),
    Row("unknown user with a token", put(), UNKNOWN),
    Row("owner with a token", put(), UNKNOWN),
    Row("unknown user", put(), (403, "InvalidAccessKeyId", "0002-00000902")),
]
PROOF = [
    Row("alice", put(), UNKNOWN, header("Authorization", "OSS id:signature")),
    Row("alice", put(), NOT_IMPLEMENTED, header("Authorization", "OSS2 AccessKeyId:a,Signature:b")),
    Row("alice", put(), (403, "AccessDenied", "0003-00000001"), without("Authorization")),
    Row("alice", get(), (403, "AccessDenied", "0003-00000001"), without("Authorization")),
    Row(
        "alice",
        put(),
        (400, "InvalidArgument", "0002-00000224"),
        header("Authorization", "OSS4-HMAC-SHA256 nonsense"),
    ),
    Row("alice", put(), (400, "InvalidArgument", "0002-00000223"), scope_date),
    Row("alice", Call(region="cn-beijing"), (400, "InvalidArgument", "0002-00000226")),
    Row("alice", off(-60), (403, "RequestTimeTooSkewed", "0002-00000504")),
    Row("alice", off(60), (403, "RequestTimeTooSkewed", "0002-00000504")),
    Row("alice", put(), (403, "AccessDenied", "0002-00000502"), header("x-oss-date", "yesterday")),
    Row("alice", put(), (403, "AccessDenied", "0002-00000503"), without("x-oss-date")),
    Row("alice", put(x_oss_meta_a="1"), MISMATCH, header("x-oss-meta-a", "2")),
    Row("alice", put(x_oss_meta_a="1"), MISMATCH, without("x-oss-meta-a")),
    Row("alice", put(), MISMATCH, header("x-oss-meta-added", "1")),
    Row("alice", put(Content_Type="a/b"), MISMATCH, header("Content-Type", "a/c")),
    Row("alice", put(), MISMATCH, url("refused", "other")),
    Row("alice", put(), MISMATCH, method("DELETE")),
    Row("alice", listing(MINE), MISMATCH, url("alice%2F", "alice%2Fb")),
    Row("alice", listing(MINE), MISMATCH, url(MINE, "")),
]
POLICY = [
    Row("alice", put("users/bob/x"), DENIED),
    Row("alice", put("users/alice-evil/x"), DENIED),
    Row("alice", put("users/alice"), DENIED),
    Row("alice", put("x"), DENIED),
    Row("alice", get("users/bob/x"), DENIED),
    Row("alice", get("users/Alice/x"), DENIED),
    Row("alice", head("users/bob/x"), DENIED),
    Row("alice", delete("users/bob/x"), DENIED),
    Row("alice", listing("&prefix=users%2Fbob%2F"), DENIED),
    Row("alice", listing("&prefix=users%2Falice"), DENIED),
    Row("alice", listing("&prefix="), DENIED),
    Row("alice", listing(""), DENIED),
    Row("alice, who may not delete", delete(THERE), DENIED),
    Row("alice", Call("POST", "users/bob/x", query="?uploads", body=None), DENIED),
    Row("alice", put(query="?acl"), DENIED),
    Row("alice", get(query="?versionId=1"), DENIED),
    Row("alice", get("", "?acl"), DENIED),
    Row("alice", put(x_oss_copy_source="/examplebucket/a"), DENIED),
    Row("alice", put(x_oss_object_acl="public-read"), DENIED),
    Row("bob", get(), DENIED),
    Row("bob", head(), DENIED),
    Row("bob", put(THERE), DENIED),
]
CONDITIONS = [
    Row("alice", get(If_Match='"0"'), (412, "PreconditionFailed", "0017-00001001")),
    Row("alice", head(If_Match='"0"'), (412, "PreconditionFailed", "0017-00001001")),
    Row("alice", get(If_Unmodified_Since=PAST), (412, "PreconditionFailed", "0017-00001001")),
    Row("alice", get(If_None_Match="*"), (304, "", "")),
    Row("alice", get(If_Modified_Since=FUTURE), (304, "", "")),
    Row(
        "alice",
        put(THERE, x_oss_forbid_overwrite="true"),
        (409, "FileAlreadyExists", "0026-00000002"),
    ),
    Row("bob", get(If_Match='"0"'), DENIED),  # who may not read learns nothing
    *(
        Row("alice", Call(verb, headers={name: "*"}), NOT_IMPLEMENTED)
        for verb in ("PUT", "DELETE")
        for name in ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
    ),
]
REQUEST = [
    Row("alice", Call(bucket="no-such-bucket"), (404, "NoSuchBucket", "0015-00000101")),
    Row("unknown session", Call(bucket="no-such-bucket"), (404, "NoSuchBucket", "0015-00000101")),
    Row("alice", Call(bucket="Bad_Bucket"), (400, "InvalidBucketName", "0015-00000001")),
    Row("alice", get("users/alice/missing"), (404, "NoSuchKey", "0026-00000001")),
    Row("alice", head("users/alice/missing"), (404, "NoSuchKey", "0026-00000001")),
    Row("alice", put("users/alice/" + "x" * 1012), NO_OBJECT_NAME),
    Row("alice", put(), NO_OBJECT_NAME, url("/users/", "//users/")),
    Row("alice", put(), NO_OBJECT_NAME, url("refused", "%FF")),
    Row("alice", put(Content_MD5="AAAA"), (400, "InvalidDigest", "0000-00000000")),
    Row(
        "alice",
        put(Content_MD5="1B2M2Y8AsgTpgAmY7PhCfg=="),
        (400, "InvalidDigest", "0000-00000000"),
    ),
    Row("alice", put(x_oss_forbid_overwrite="maybe"), (400, "InvalidArgument", "0000-00000000")),
    Row("alice", put(x_oss_meta_big="x" * 8192), (400, "InvalidArgument", "0000-00000000")),
    Row(
        "alice",
        get(x_oss_range_behavior="other", Range="bytes=0-0"),
        (400, "InvalidArgument", "0000-00000000"),
    ),
    Row(
        "alice",
        get(x_oss_range_behavior="standard", Range="bytes=9-"),
        (416, "InvalidRange", "0000-00000000"),
    ),
    Row("alice", listing(f"{MINE}&max-keys=0"), (400, "InvalidArgument", "0017-00000225")),
    Row("alice", listing(f"{MINE}&max-keys=1001"), (400, "InvalidArgument", "0017-00000225")),
    Row("alice", listing(f"{MINE}&max-keys=many"), (400, "InvalidArgument", "0017-00000225")),
    Row("alice", listing(f"{MINE}&encoding-type=xml"), (400, "InvalidArgument", "0000-00000000")),
    Row(
        "alice",
        listing(f"{MINE}&continuation-token=%21"),
        (400, "InvalidArgument", "0000-00000000"),
    ),
    Row("alice", listing(f"{MINE}{MINE}"), (400, "InvalidArgument", "0000-00000000")),
    Row("alice", Call("PATCH"), (405, "MethodNotAllowed", "0000-00000000")),
]
# What the sandbox does not have; a row leaves when the operation comes.
ABSENT = [
    Row("alice", Call("POST", query="?x-oss-process", body=None), NOT_IMPLEMENTED),
    Row("alice", put(query="?metaQuery"), NOT_IMPLEMENTED),
    Row("alice", put(query="?versionId=1"), NOT_IMPLEMENTED),
    Row("alice", get(query="?x-oss-process=style%2Fa"), NOT_IMPLEMENTED),
    Row("alice", get("", "?lifecycle"), NOT_IMPLEMENTED),
    Row("alice", get("", "?list-type=1"), NOT_IMPLEMENTED),
    Row("alice", put(x_oss_callback="e30="), NOT_IMPLEMENTED),
    Row("alice", put(x_oss_server_side_encryption="AES256"), NOT_IMPLEMENTED),
    Row("alice", put(x_oss_storage_class="Archive"), NOT_IMPLEMENTED),
]


@pytest.mark.parametrize(
    "row",
    [*IDENTITY, *PROOF, *POLICY, *CONDITIONS, *REQUEST, *ABSENT],
    ids=lambda row: f"{row.who}: {row.call.method} {row.expected[1]}",
)
def test_refusal(sandbox: Sandbox, callers: dict[str, Lease], row: Row) -> None:
    assert send(sandbox, callers[row.who], row.call, row.spoil) == row.expected


def test_the_same_requests_unspoiled_are_served(
    sandbox: Sandbox, callers: dict[str, Lease]
) -> None:
    for call in (get(), head(), listing(MINE)):
        assert send(sandbox, callers["alice"], call) == (200, "", "")
