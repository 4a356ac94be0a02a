"""The HTTP face, through a real server and real sockets: answers, refusals, headers."""

import http.client
import json
import re

import pytest
import requests

from sts_server.app import App
from sts_server.audit import Record
from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from tests.sts_server.http.house import House, exchange, serving
from tests.sts_server.parts import ALICE_KEY, BOB_KEY, CONFIG, TEAM, ScriptedSts, SetClock, read


def test_one_body_for_every_reader(house: House) -> None:
    answer = house.get("/v1/credentials/uploads")
    assert answer.status_code == 200
    body = answer.json()
    request_id = body["Lease"].pop("RequestId")
    assert answer.headers["X-Request-Id"] == request_id
    assert body == {
        "Code": "Success",
        "StatusCode": 200,
        "AccessKeyId": "STS.1",
        "AccessKeySecret": "secret-1",
        "SecurityToken": "token-1",
        "Expiration": "2025-12-01T09:30:00Z",
        "LastUpdated": "2025-12-01T08:30:00Z",
        "Lease": {
            "Bucket": "examplebucket",
            "Region": "cn-hangzhou",
            "Endpoint": "https://oss-cn-hangzhou.aliyuncs.com",
            "Style": "virtual",
            "Prefix": "users/alice/",
            "Actions": ["get", "put", "list"],
            "RefreshAfter": "2025-12-01T09:00:00Z",
            "ServerTime": "2025-12-01T08:30:00Z",
        },
    }


def test_every_answer_is_sealed(house: House) -> None:
    for path in ("/v1/credentials/uploads", "/v1/credentials/none", "/healthz", "/nowhere"):
        headers = house.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert re.fullmatch(r"[0-9A-F-]{36}", headers["X-Request-Id"])
        assert "server" not in headers


def test_a_caller_reads_what_they_may_ask_for(house: House) -> None:
    answer = house.get("/v1/grants")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    staff = {
        "Name": "staff-only",
        "Bucket": "examplebucket",
        "Region": "cn-hangzhou",
        "Prefix": "staff/",
        "Actions": ["get"],
        "Duration": 3600,
    }
    uploads = staff | {
        "Name": "uploads",
        "Prefix": "users/alice/",
        "Actions": ["get", "put", "list"],
    }
    request_id = answer.headers["X-Request-Id"]
    assert answer.json() == {"Grants": [uploads, staff], "Refused": [], "RequestId": request_id}
    bob = house.get("/v1/grants", BOB_KEY).json()
    assert [grant["Prefix"] for grant in bob["Grants"]] == ["users/bob/"]
    assert [line["outcome"] for line in house.audit] == ["listed", "listed"]
    assert house.sts.asked == []


def test_what_a_caller_holds_and_cannot_have_says_why(sts: ScriptedSts, clock: SetClock) -> None:
    text = CONFIG.replace("users/{caller}/", "teams/{claim.team}/")
    audit: list[Record] = []
    with serving(App(read(text), assume_role=sts, audit=audit.append, clock=clock)) as url:
        house = House(url, sts, clock)
        answer = house.get("/v1/grants", BOB_KEY).json()
        lease = house.get("/v1/credentials/uploads", BOB_KEY)
    (refused,) = answer["Refused"]
    assert (answer["Grants"], refused["Name"]) == ([], "uploads")
    # The same words as where a lease is asked for.
    assert (refused["Code"], refused["Message"]) == (lease.json()["Code"], lease.json()["Message"])
    assert lease.status_code == 403


def test_grants_that_meet_by_a_name_are_a_line_in_the_log(
    sts: ScriptedSts, caplog: pytest.LogCaptureFixture
) -> None:
    App(read(CONFIG + TEAM), assume_role=sts, audit=lambda _: None)
    assert [line.getMessage()[:27] for line in caplog.records] == ["grants: uploads and team: u"]


def test_the_list_of_grants_is_asked_for_like_a_lease(house: House) -> None:
    head = house.get("/v1/grants", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(house.get("/v1/grants").content)
    for key, query, method, status, code in (
        (None, "", "GET", 401, "Unauthenticated"),
        (BOB_KEY[:-1] + "x", "", "HEAD", 401, None),
        (ALICE_KEY, "?prefix=a/", "GET", 400, "InvalidArgument"),
        (ALICE_KEY, "?colour=red", "GET", 400, "InvalidArgument"),
        (ALICE_KEY, "", "POST", 405, "MethodNotAllowed"),
    ):
        answer = house.get(f"/v1/grants{query}", key, method)
        assert answer.status_code == status
        assert code is None or answer.json()["Code"] == code


def test_a_wish_narrows(house: House) -> None:
    wish = "?prefix=users/alice/2026/&actions=get&duration=900"
    lease = house.get("/v1/credentials/uploads" + wish).json()["Lease"]
    assert (lease["Prefix"], lease["Actions"]) == ("users/alice/2026/", ["get"])
    assert house.sts.asked[0].duration == 900


def test_each_caller_has_a_folder_of_their_own(house: House) -> None:
    alice = house.get("/v1/credentials/uploads").json()
    bob = house.get("/v1/credentials/uploads", BOB_KEY).json()
    assert (alice["Lease"]["Prefix"], bob["Lease"]["Prefix"]) == ("users/alice/", "users/bob/")
    assert alice["AccessKeyId"] != bob["AccessKeyId"]


@pytest.mark.parametrize(
    ("path", "key", "status", "code"),
    [
        ("/v1/credentials/uploads", None, 401, "Unauthenticated"),
        ("/v1/credentials/uploads", "osk_" + "x" * 43, 401, "Unauthenticated"),
        ("/v1/credentials/none?colour=red", None, 401, "Unauthenticated"),
        ("/v1/credentials/uploads?colour=red", ALICE_KEY, 400, "InvalidArgument"),
        ("/v1/credentials/uploads?prefix=a/../b", ALICE_KEY, 400, "InvalidArgument"),
        ("/v1/credentials/uploads?prefix=%00", ALICE_KEY, 400, "InvalidArgument"),
        ("/v1/credentials/uploads?prefix=%ff", ALICE_KEY, 400, "InvalidArgument"),
        ("/v1/credentials/uploads?prefix=" + "%E4%B8%AD" * 340, ALICE_KEY, 403, "GrantDenied"),
        ("/v1/credentials/uploads?prefix=users/alice/" + "%E4%B8%AD" * 150 + "/", ALICE_KEY, 400, "InvalidArgument"),
        ("/v1/credentials/none", ALICE_KEY, 403, "GrantDenied"),
        ("/v1/credentials/staff-only", BOB_KEY, 403, "GrantDenied"),
        ("/v1/credentials/uploads?prefix=users/bob/", ALICE_KEY, 403, "GrantDenied"),
        ("/v1/credentials/uploads?prefix=users/alice-evil/", ALICE_KEY, 403, "GrantDenied"),
        ("/v1/credentials/uploads?actions=delete", ALICE_KEY, 403, "GrantDenied"),
        ("/v1/credentials/a%2Fb", ALICE_KEY, 404, "NotFound"),
        ("/v1/credentials/", ALICE_KEY, 404, "NotFound"),
        ("/", ALICE_KEY, 404, "NotFound"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_problem(
    house: House, path: str, key: str | None, status: int, code: str
) -> None:
    answer = house.get(path, key)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["Code"], body["Message"]) == (status, code, body["detail"])
    assert body["type"] == f"urn:oss-sts:{code}"
    assert body["RequestId"] == answer.headers["X-Request-Id"]
    assert body["title"]
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert house.sts.asked == []


@pytest.mark.parametrize(
    "grant", ["..%2f..%2f", "%0d%0aX-Evil:%201", "x" * 3000, "%ff%fe", "uploads%00"]
)
def test_a_hostile_grant_name_is_no_grant(house: House, grant: str) -> None:
    answer = house.get(f"/v1/credentials/{grant}")
    assert answer.status_code in (403, 404)
    assert "X-Evil" not in answer.headers
    assert all(len(json.dumps(line)) < 1000 for line in house.audit)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_leases_are_only_read(house: House, method: str) -> None:
    answer = house.get("/v1/credentials/uploads", method=method)
    assert (answer.status_code, answer.json()["Code"]) == (405, "MethodNotAllowed")
    assert "GET" in answer.headers["Allow"]
    assert house.sts.asked == []


def test_head_is_get_without_a_body(house: House) -> None:
    answer = house.get("/v1/credentials/uploads", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert house.get("/v1/credentials/uploads", None, "HEAD").status_code == 401


def test_two_proofs_in_one_request_are_none(house: House) -> None:
    connection = http.client.HTTPConnection(house.url.removeprefix("http://"), timeout=10)
    connection.putrequest("GET", "/v1/credentials/uploads")
    connection.putheader("Authorization", f"Bearer {ALICE_KEY}")
    connection.putheader("Authorization", f"Bearer {BOB_KEY}")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["Code"]) == (400, "InvalidArgument")
    connection.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UpstreamRefused("ask the operator", hint="NoPermission"), 502),
        (UpstreamThrottled("slow down", hint="Throttling", retry_after=5), 503),
        (UpstreamUnavailable("away", hint="SDK.HttpError", retry_after=5), 503),
    ],
)
def test_a_failing_sts_is_said_and_the_server_stays_up(
    house: House, error: UpstreamFailure, status: int
) -> None:
    house.sts.error = error
    answer = house.get("/v1/credentials/uploads")
    assert (answer.status_code, answer.json()["Code"]) == (status, error.code)
    assert answer.headers.get("Retry-After") == (
        str(error.retry_after) if error.retry_after else None
    )
    assert error.hint not in answer.text
    house.sts.error = None
    assert house.get("/v1/credentials/uploads").status_code == 200
    assert house.get("/healthz").json() == {"status": "alive"}


def test_a_fault_of_our_own_shows_nothing_of_itself(
    sts: ScriptedSts, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Record) -> None:
        raise ValueError("No space left on device")

    with serving(App(read(), assume_role=sts, audit=broken, clock=clock)) as url:
        answer = House(url, sts, clock).get("/v1/credentials/uploads")
        assert (answer.status_code, answer.json()["Code"]) == (500, "InternalError")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "secret-1" not in answer.text
        assert "space" not in answer.text
    assert "No space left" in caplog.text
    assert f"RequestId {answer.headers['X-Request-Id']}" in caplog.text
    assert "secret-1" not in caplog.text


def test_a_full_disk_is_one_line_however_many_strangers_ask(
    sts: ScriptedSts, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    full = read('[server]\naudit = "/dev/full"\n' + CONFIG)
    with serving(App(full, assume_role=sts, clock=clock)) as url:
        house = House(url, sts, clock)
        strangers = [house.get("/v1/credentials/uploads", key=None) for _ in range(20)]
        known = [house.get("/v1/credentials/uploads"), house.get("/v1/grants")]
    for answer in [*strangers, *known]:
        assert (answer.status_code, answer.json()["Code"]) == (500, "InternalError")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "space" not in answer.text
        assert "secret-1" not in answer.text
    said = [(it.getMessage(), it.exc_info) for it in caplog.records if "audit" in it.getMessage()]
    line = "the audit log cannot be written: No space left on device (server.audit)"
    assert said == [(f"{line}; nothing is vended", None)]
    assert "Traceback" not in caplog.text


def test_a_refused_lease_is_replaced(house: House) -> None:
    first = house.get("/v1/credentials/uploads").json()["AccessKeyId"]
    second = house.get(f"/v1/credentials/uploads?refused={first}").json()["AccessKeyId"]
    assert (first, second) == ("STS.1", "STS.2")


def test_every_decision_is_written_down_without_a_secret(house: House) -> None:
    house.get("/v1/credentials/uploads")
    house.get("/v1/credentials/uploads", None)
    assert [line["outcome"] for line in house.audit] == ["vended", "refused"]
    assert "secret-1" not in json.dumps(house.audit)


def test_what_sts_said_is_what_is_vended(house: House) -> None:
    house.sts.life = 1000
    body = house.get("/v1/credentials/uploads").json()
    assert body["Expiration"] == "2025-12-01T08:46:40Z"
    assert body["Lease"]["RefreshAfter"] == "2025-12-01T08:38:20Z"


def test_while_sts_is_away_the_old_lease_says_to_come_back_soon(house: House) -> None:
    house.get("/v1/credentials/uploads")
    house.sts.error = UpstreamUnavailable("away", hint="")
    house.clock.now += 2000
    body = house.get("/v1/credentials/uploads").json()
    assert body["AccessKeyId"] == "STS.1"
    assert body["Lease"]["RefreshAfter"] == "2025-12-01T09:04:20Z"


def test_the_peer_is_the_peer(house: House) -> None:
    requests.get(
        f"{house.url}/v1/credentials/uploads",
        headers={"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"},
        timeout=10,
    )
    assert house.audit[0]["peer"] == "127.0.0.1"


def test_a_slash_too_many_is_no_redirect(house: House) -> None:
    answer = requests.get(
        f"{house.url}/v1/credentials/uploads/",
        headers={"Host": "evil.example", "Authorization": f"Bearer {ALICE_KEY}"},
        allow_redirects=False,
        timeout=10,
    )
    assert (answer.status_code, answer.json()["Code"]) == (404, "NotFound")


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_malformed_or_endless_head_is_refused(house: House, request_head: bytes) -> None:
    answer = exchange(house, request_head)
    assert answer == b"" or re.match(rb"HTTP/1.1 4(00|04|13|14|31) ", answer)
    assert house.get("/healthz").status_code == 200


def test_requests_in_a_row_are_answered_in_a_row(house: House) -> None:
    answer = exchange(house, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
    assert answer.count(b'{"status":"alive"}') == 50
