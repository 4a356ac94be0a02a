"""Faults on the wire: connections that really drop, bytes that are really wrong, and what clients see."""

import http.client
import json
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import oss2
import pytest
import requests
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_server.sandbox import ControlError, Sandbox
from tests.integration.signed import Call, Lease, send, signed

BODY = bytes(range(256)) * 1024
PUT = Call("PUT", "users/alice/fault", body=BODY)
GET = Call("GET", "users/alice/fault", body=None)


@pytest.fixture(autouse=True)
def faultless(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.clear_faults()


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[oss2.Bucket]:
    session = oss2.Session()
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    yield oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )
    session.session.close()


def fetch(sandbox: Sandbox, lease: Lease, call: Call) -> requests.Response:
    with requests.Session() as session:
        return session.send(signed(sandbox, lease, call), timeout=10)


@pytest.mark.parametrize(
    ("cut", "takes_effect"), [("before", False), ("inside", False), ("after", True)]
)
def test_a_write_that_is_cut(
    sandbox: Sandbox,
    bucket: oss2.Bucket,
    lease: Lease,
    cut: Literal["before", "inside", "after"],
    takes_effect: bool,
) -> None:
    bucket.delete_object("users/alice/fault")
    sandbox.fault(operation="PutObject", key="users/alice/*", cut=cut)
    with pytest.raises(requests.ConnectionError):
        fetch(sandbox, lease, PUT)
    sandbox.clear_faults()
    assert (send(sandbox, lease, GET)[0] == 200) is takes_effect
    assert send(sandbox, lease, PUT)[0] == 200


@pytest.mark.parametrize(
    "rule", [{"cut": "before"}, {"cut": "inside"}, {"cut": "after"}, {"truncate": 1000}]
)
def test_a_read_that_is_cut(sandbox: Sandbox, lease: Lease, rule: dict[str, str]) -> None:
    assert send(sandbox, lease, PUT)[0] == 200
    sandbox.fault(operation="GetObject", nth=1, **rule)  # type: ignore[arg-type] # a table's row
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        fetch(sandbox, lease, GET)
    assert fetch(sandbox, lease, GET).content == BODY


def test_a_truncated_answer_is_as_long_as_was_asked_for(sandbox: Sandbox, lease: Lease) -> None:
    """More than fits into a socket's buffers, so that something has to wait for the client."""
    key, size, limit = "users/alice/long", 30_000_000, 20_000_001
    assert send(sandbox, lease, Call("PUT", key, body=bytes(size)))[0] == 200
    sandbox.fault(operation="GetObject", truncate=limit)
    prepared = signed(sandbox, lease, Call("GET", key, body=None))
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
    connection.request("GET", prepared.path_url, headers=dict(prepared.headers))
    answer = connection.getresponse()
    assert answer.headers["Content-Length"] == str(size)
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    connection.close()
    assert len(cut.value.partial) == limit


def test_wrong_bytes_and_wrong_sums_are_what_a_crc_is_for(
    sandbox: Sandbox, bucket: oss2.Bucket
) -> None:
    sandbox.fault(operation="PutObject", nth=1, corrupt="request")
    with pytest.raises(oss2.exceptions.InconsistentError):
        bucket.put_object("fault", BODY)
    sandbox.fault(operation="PutObject", nth=1, wrong_crc=True)
    with pytest.raises(oss2.exceptions.InconsistentError):
        bucket.put_object("fault", BODY)
    bucket.put_object("fault", BODY)
    sandbox.fault(operation="GetObject", nth=1, corrupt="answer")
    answer = bucket.get_object("fault")
    assert len(answer.read()) == len(BODY)
    assert answer.client_crc != answer.server_crc
    assert bucket.get_object("fault").read() == BODY


def test_answers_in_the_service_s_own_form(sandbox: Sandbox, bucket: oss2.Bucket) -> None:
    sandbox.fault(service="oss", status=503, code="ServiceUnavailable", nth=1)
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.head_object("fault")
    assert (refused.value.status, refused.value.code) == (503, "ServiceUnavailable")
    sandbox.fault(operation="AssumeRole", status=400, code="Throttling.User", nth=1)
    client = AcsClient(sandbox.access_key_id, sandbox.access_key_secret, sandbox.region)
    request = AssumeRoleRequest()
    request.set_endpoint(sandbox.sts_endpoint.removeprefix("http://"))
    request.set_protocol_type("http")
    request.set_RoleArn(sandbox.role_arn)
    request.set_RoleSessionName("alice")
    with pytest.raises(ServerException) as throttled:
        client.do_action_with_exception(request)
    assert throttled.value.get_error_code() == "Throttling.User"
    assert "Credentials" in json.loads(client.do_action_with_exception(request))
    client.session.close()


def test_a_skewed_server(sandbox: Sandbox, lease: Lease) -> None:
    sandbox.fault(service="oss", skew=1000, nth=1)
    assert send(sandbox, lease, GET)[:2] == (403, "RequestTimeTooSkewed")
    assert send(sandbox, lease, GET)[1] != "RequestTimeTooSkewed"


def test_faults_are_listed_and_taken_back(sandbox: Sandbox) -> None:
    first = sandbox.fault(latency=0.5, key="nobody")
    second = sandbox.fault(cut="after", key="nobody")
    assert [fault["id"] for fault in sandbox.faults()] == [first, second]
    sandbox.clear_faults(first)
    assert sandbox.faults() == [
        {"id": second, "key": "nobody", "cut": "after", "fitted": 0, "struck": 0}
    ]
    with pytest.raises(ControlError, match=f"404: there is no fault {first}"):
        sandbox.clear_faults(first)
    with pytest.raises(ControlError, match="400: a fault needs an effect"):
        sandbox.fault(key="nobody")


def test_a_script_can_read_what_went_wrong(sandbox: Sandbox, bucket: oss2.Bucket) -> None:
    """A fault of an operation is not a fault of its preflight, which is an operation of its own."""
    page = {"Origin": "http://page.test"}
    asked = {**page, "Access-Control-Request-Method": "PUT"}
    url = f"{sandbox.endpoint}/{sandbox.bucket}/a"
    rule = oss2.models.CorsRule(["http://page.test"], ["PUT"], ["*"], ["x-oss-request-id"])
    bucket.put_bucket_cors(oss2.models.BucketCors([rule]))
    sandbox.fault(operation="PutObject", status=503, code="QpsLimitExceeded")
    assert requests.options(url, headers=asked, timeout=10).status_code == 200
    for origin, allowed in (("http://page.test", "http://page.test"), ("http://evil.test", None)):
        refused = requests.put(url, headers={"Origin": origin}, timeout=10)
        assert (refused.status_code, "QpsLimitExceeded" in refused.text) == (503, True)
        assert refused.headers.get("Access-Control-Allow-Origin") == allowed
    sandbox.fault(operation="OptionObject", status=503, code="ServiceUnavailable")
    assert requests.options(url, headers=asked, timeout=10).status_code == 503
    bucket.delete_bucket_cors()
