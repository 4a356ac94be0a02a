"""PostObject as browsers do it: forms made by hand, policies signed in both ways."""

import hmac
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import oss2
import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.forms import KEY, Fields, policy, v1_form, v4_form

BODY = b"hello"


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[oss2.Bucket]:
    session = oss2.Session()
    auth = oss2.Auth(sandbox.access_key_id, sandbox.access_key_secret)
    bucket = oss2.Bucket(auth, sandbox.endpoint, sandbox.bucket, session=session)
    yield bucket
    for item in list(oss2.ObjectIteratorV2(bucket, prefix="users/alice/form/")):
        bucket.delete_object(item.key)
    session.session.close()


def post(
    sandbox: Sandbox,
    fields: Fields,
    body: bytes = BODY,
    name: str = "a b+中.txt",
    authorization: str | None = None,
) -> requests.Response:
    return requests.post(
        f"{sandbox.endpoint}/examplebucket",
        data=fields,
        files={"file": (name, body, "text/x-part")},
        headers={"Authorization": authorization},
        timeout=30,
        allow_redirects=False,
    )


@pytest.mark.parametrize("make", [v4_form, v1_form])
def test_a_form_becomes_an_object(
    sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket, make: Any
) -> None:
    more: dict[str, Any] = {
        "x-oss-meta-author": "alice",
        "Cache-Control": "no-cache",
        "submit": "Upload",
    }
    answer = post(sandbox, make(lease, **more))
    assert (answer.status_code, answer.content) == (204, b"")
    got = bucket.get_object("users/alice/form/a b+中.txt")
    assert got.read() == BODY
    assert got.headers["Content-Type"] == "text/x-part"
    assert got.headers["x-oss-meta-author"] == "alice"
    assert got.headers["Cache-Control"] == "no-cache"
    assert answer.headers["ETag"] == got.headers["ETag"]
    seen = sandbox.requests()[-2]
    assert (seen["operation"], seen["access_key_id"]) == ("PostObject", lease["AccessKeyId"])
    assert lease["SecurityToken"] not in json.dumps(seen)


def test_a_large_file_arrives_whole(
    sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket
) -> None:
    body = bytes(range(256)) * 4096 * 5 + b"\r\n--not the boundary\r\n"
    limits = ["content-length-range", 0, len(body)]
    assert post(sandbox, v4_form(lease, limits), body, "large").status_code == 204
    assert bucket.get_object("users/alice/form/large").read() == body


def test_the_answers_to_choose_from(
    sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket
) -> None:
    def asked(**fields: str) -> requests.Response:
        return post(sandbox, v4_form(lease) | fields, name="a b")

    assert asked(success_action_status="200").status_code == 200
    assert asked(success_action_status="204").status_code == 204
    assert asked(success_action_status="302").status_code == 204
    created = asked(success_action_status="201")
    root = ET.fromstring(created.content)
    etag = bucket.head_object("users/alice/form/a b").headers["ETag"]
    assert (created.status_code, root.tag) == (201, "PostResponse")
    assert [root.findtext(name) for name in ("Bucket", "Key", "ETag")] == [
        *("examplebucket", "users/alice/form/a b", etag)
    ]
    assert root.findtext("Location") == f"{sandbox.endpoint}/examplebucket/users/alice/form/a%20b"
    moved = asked(success_action_redirect="https://example.com/done?a=1")
    assert moved.status_code == 303
    assert moved.headers["Location"].startswith("https://example.com/done?a=1&bucket=examplebucket")
    assert asked(success_action_redirect="javascript:alert(1)").status_code == 204


def test_a_virtual_host(sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket) -> None:
    answer = requests.post(
        sandbox.endpoint,
        data=v4_form(lease, success_action_status="201"),
        files={"file": ("host", BODY)},
        headers={"Host": "examplebucket.localhost"},
        timeout=30,
    )
    assert answer.headers["Location"] == "http://examplebucket.localhost/users/alice/form/host"
    assert bucket.get_object("users/alice/form/host").read() == BODY


def test_a_form_can_refuse_to_overwrite(
    sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket
) -> None:
    fields = v4_form(lease) | {"x-oss-forbid-overwrite": "true"}
    assert post(sandbox, fields, name="once").status_code == 204
    assert refusal(post(sandbox, fields, b"else", "once")) == (409, "FileAlreadyExists")
    assert bucket.get_object("users/alice/form/once").read() == BODY


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, ET.fromstring(answer.content).findtext("Code", "")


DENIED = (403, "AccessDenied")
MISMATCH = (403, "SignatureDoesNotMatch")
WRONG = (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"key": "users/bob/x"}, DENIED),
        ({"key": ""}, WRONG),
        ({"key": "/x"}, (400, "InvalidObjectName")),
        ({"policy": policy([{"bucket": "examplebucket"}])}, MISMATCH),
        ({"policy": ""}, WRONG),
        ({"x-oss-signature": "0" * 64}, MISMATCH),
        ({"x-oss-signature": "x"}, WRONG),
        ({"x-oss-security-token": "wrong"}, (403, "InvalidSecurityToken")),
        ({"x-oss-security-token": ""}, (403, "InvalidSecurityToken")),
        ({"x-oss-date": "20251201T083000Z"}, WRONG),
        ({"x-oss-signature-version": "OSS5"}, WRONG),
        (
            {"x-oss-credential": "STS.nobody/20251201/cn-hangzhou/oss/aliyun_v4_request"},
            (403, "InvalidAccessKeyId"),
        ),
        ({"x-oss-object-acl": "public-read"}, (403, "AccessDenied")),
        ({"callback": "e30="}, (400, "NotImplemented")),
        ({"x-oss-forbid-overwrite": "maybe"}, WRONG),
        ({"x-oss-meta-a": "b\r\nSet-Cookie: c"}, WRONG),
        ({"x-oss-meta-a: b\nc": "d"}, WRONG),
        ({"Content-Type": "a\nb"}, WRONG),
        ({"OSSAccessKeyId": "a"}, WRONG),
        ({"x-oss-meta-long": "x" * 70_000}, (400, "FieldItemTooLong")),
        ({"KEY": "twice"}, WRONG),
    ],
)
def test_a_changed_form(
    sandbox: Sandbox,
    lease: dict[str, str],
    bucket: oss2.Bucket,
    change: Fields,
    expected: tuple[int, str],
) -> None:
    before = len(list(oss2.ObjectIteratorV2(bucket)))
    answer = post(sandbox, {**v4_form(lease), **change}, name="..")
    assert refusal(answer) == expected
    assert len(list(oss2.ObjectIteratorV2(bucket))) == before


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["content-length-range", 0, 4], (400, "EntityTooLarge")),
        (["content-length-range", 6, 9], (400, "EntityTooSmall")),
        (["eq", "$content-type", "text/plain"], DENIED),
        (["eq", "$key", KEY], DENIED),
        ({"bucket": "otherbucket"}, DENIED),
        (["in", "$x-oss-meta-a", ["b"]], DENIED),
        (["what", "$key", "b"], (400, "InvalidPolicyDocument")),
    ],
)
def test_a_policy_that_does_not_allow_it(
    sandbox: Sandbox, lease: dict[str, str], condition: Any, expected: tuple[int, str]
) -> None:
    assert refusal(post(sandbox, v4_form(lease, condition))) == expected
    assert refusal(post(sandbox, v1_form(lease, condition))) == expected


def test_a_policy_that_is_over_or_lives_too_long(sandbox: Sandbox, lease: dict[str, str]) -> None:
    assert refusal(post(sandbox, v4_form(lease, minutes=-1))) == DENIED
    assert refusal(post(sandbox, v1_form(lease, minutes=-1))) == DENIED
    assert refusal(post(sandbox, v4_form(lease, minutes=8 * 24 * 60))) == WRONG


def test_a_v4_policy_that_leaves_its_own_signature_open(
    sandbox: Sandbox, lease: dict[str, str]
) -> None:
    fields = v4_form(lease)
    text = policy([{"bucket": "examplebucket"}])
    key = f"aliyun_v4{lease['AccessKeySecret']}".encode()
    for part in fields["x-oss-credential"].split("/")[1:]:
        key = hmac.digest(key, part.encode(), "sha256")
    fields |= {"policy": text, "x-oss-signature": hmac.digest(key, text.encode(), "sha256").hex()}
    assert refusal(post(sandbox, fields)) == WRONG


def test_another_secret_and_a_dead_lease(sandbox: Sandbox, own_lease: dict[str, str]) -> None:
    wrong = {**own_lease, "AccessKeySecret": "wrong"}
    assert refusal(post(sandbox, v4_form(wrong))) == MISMATCH
    assert refusal(post(sandbox, v1_form(wrong))) == MISMATCH
    sandbox.expire(own_lease["AccessKeyId"])
    assert refusal(post(sandbox, v4_form(own_lease))) == (403, "SecurityTokenExpired")


def test_nobody(sandbox: Sandbox) -> None:
    assert refusal(post(sandbox, {"key": "a"})) == DENIED


def test_a_header_does_not_stand_for_the_form(sandbox: Sandbox, lease: dict[str, str]) -> None:
    header = f"OSS {sandbox.access_key_id}:abc="
    assert refusal(post(sandbox, {"key": "a"}, authorization=header)) == DENIED
    assert post(sandbox, v4_form(lease), name="x", authorization=header).status_code == 204


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("multipart/form-data", b"", "MalformedPOSTRequest"),
        ("multipart/form-data; boundary=b", b"", "MalformedPOSTRequest"),
        ("multipart/form-data; boundary=b", b"--c\r\n", "MalformedPOSTRequest"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", "MalformedPOSTRequest"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\na\r\n--b--\r\n',
            "IncorrectNumberOfFilesInPOSTRequest",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n\xff\r\n--b--\r\n',
            "InvalidArgument",
        ),
    ],
)
def test_what_is_no_form(sandbox: Sandbox, kind: str, body: bytes, code: str) -> None:
    url = f"{sandbox.endpoint}/examplebucket/"
    answer = requests.post(url, data=body, headers={"Content-Type": kind}, timeout=10)
    assert refusal(answer) == (400, code)


def test_a_form_that_is_cut_short_leaves_nothing(
    sandbox: Sandbox, lease: dict[str, str], bucket: oss2.Bucket
) -> None:
    made = requests.Request(
        "POST",
        f"{sandbox.endpoint}/examplebucket",
        data=v4_form(lease),
        files={"file": ("cut", BODY)},
    ).prepare()
    assert isinstance(made.body, bytes)
    for missing in (2, 4, 30):
        body = made.body[:-missing]
        kind = made.headers["Content-Type"]
        answer = requests.post(str(made.url), data=body, headers={"Content-Type": kind}, timeout=10)
        if missing > 2:
            assert refusal(answer) == (400, "MalformedPOSTRequest")
            assert not list(oss2.ObjectIteratorV2(bucket, prefix="users/alice/form/cut"))
        else:
            bucket.delete_object("users/alice/form/cut")
