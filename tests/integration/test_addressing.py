"""The same object by path, by virtual host, by real host names and by any other name."""

import json

import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.signed import Answer, Call, Lease, signed

KEY = "users/alice/addressed.txt"
REAL = "examplebucket.oss-cn-hangzhou.aliyuncs.com"


def send(sandbox: Sandbox, lease: Lease, call: Call, host: str, path: str) -> requests.Response:
    """Sign for the bucket and key, then say the same with another host and path."""
    prepared = signed(sandbox, lease, call)
    prepared.headers["Host"] = host
    prepared.url = f"{sandbox.endpoint}{path}"
    with requests.Session() as session:
        return session.send(prepared)


@pytest.fixture(scope="module", autouse=True)
def put(sandbox: Sandbox) -> None:
    keys = {"AccessKeyId": sandbox.access_key_id, "AccessKeySecret": sandbox.access_key_secret}
    for key in (KEY, f"examplebucket/{KEY}"):
        call = Call("PUT", key, body=key.encode())
        path = f"/examplebucket/{key}"
        assert send(sandbox, keys, call, "127.0.0.1", path).status_code == 200


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("localhost:80", f"/examplebucket/{KEY}"),
        ("examplebucket.localhost", f"/{KEY}"),
        (REAL, f"/{KEY}"),
        ("examplebucket.oss-cn-hangzhou-internal.aliyuncs.com", f"/{KEY}"),
        (REAL, f"/examplebucket/{KEY}"),
        ("files.example.com", f"/{KEY}"),
        ("files.example.com", f"/examplebucket/{KEY}"),
    ],
)
def test_every_way_leads_to_the_object(
    sandbox: Sandbox, lease: Lease, host: str, path: str
) -> None:
    answer = send(sandbox, lease, Call("GET", KEY, body=None), host, path)
    assert (answer.status_code, answer.text) == (200, KEY)


def test_the_signature_says_which_of_two_readings_is_meant(sandbox: Sandbox) -> None:
    keys = {"AccessKeyId": sandbox.access_key_id, "AccessKeySecret": sandbox.access_key_secret}
    path = f"/examplebucket/{KEY}"
    for key in (KEY, f"examplebucket/{KEY}"):
        assert send(sandbox, keys, Call("GET", key, body=None), REAL, path).text == key


def refusal(answer: requests.Response) -> Answer:
    code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
    return answer.status_code, code, answer.headers["x-oss-ec"]


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("otherbucket.localhost", f"/{KEY}", (404, "NoSuchBucket", "0015-00000101")),
        ("examplebucket.localhost", f"/{KEY}x", (403, "SignatureDoesNotMatch", "0002-00000201")),
        (
            "examplebucket.localhost",
            "/users/bob/x",
            (403, "SignatureDoesNotMatch", "0002-00000201"),
        ),
        ("files.example.com", "/users/bob/x", (403, "SignatureDoesNotMatch", "0002-00000201")),
        (
            "examplebucket.oss-cn-beijing.aliyuncs.com",
            f"/{KEY}",
            (403, "AccessDenied", "0003-00001403"),
        ),
        (
            "oss-cn-hangzhou.aliyuncs.com",
            f"/examplebucket/{KEY}",
            (403, "SecondLevelDomainForbidden", "0000-00000000"),
        ),
        ("a.b.localhost", f"/{KEY}", (400, "InvalidBucketName", "0015-00000001")),
    ],
)
def test_other_hosts(
    sandbox: Sandbox, lease: Lease, host: str, path: str, expected: Answer
) -> None:
    answer = send(sandbox, lease, Call("GET", KEY, body=None), host, path)
    assert refusal(answer) == expected


@pytest.mark.parametrize("host", ["sts.aliyuncs.com", "sts-vpc.cn-hangzhou.aliyuncs.com"])
def test_hosts_of_sts(sandbox: Sandbox, host: str) -> None:
    answer = requests.get(f"{sandbox.endpoint}/?Format=JSON", headers={"Host": host}, timeout=10)
    assert (answer.status_code, json.loads(answer.text)["Code"]) == (400, "MissingAction")


def test_an_action_asked_of_a_bucket_is_not_sts(sandbox: Sandbox) -> None:
    answer = requests.get(
        f"{sandbox.endpoint}/?Action=AssumeRole",
        headers={"Host": "examplebucket.localhost"},
        timeout=10,
    )
    assert refusal(answer)[:2] != (400, "MissingVersion")
    assert "x-oss-request-id" in answer.headers


def test_a_form_that_is_no_call_to_sts_reaches_oss_whole(sandbox: Sandbox) -> None:
    answer = requests.post(sandbox.endpoint, data={"a": "b"}, timeout=10)
    assert refusal(answer) == (403, "AccessDenied", "0003-00000905")
