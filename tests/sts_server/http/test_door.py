"""The door: limits for addresses and callers, heads that are too much, a proxy's prefix."""

import json
import time

import pytest
import requests
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sts_server.http.door import Door
from sts_server.http.envelope import Envelope
from sts_server.http.peers import Peers
from sts_server.rates import Rate
from tests.sts_server import parts
from tests.sts_server.http.house import House, exchange, heard, running
from tests.sts_server.parts import ALICE_KEY, BOB_KEY

STRANGERS = "proxies = []\n"  # nobody is spared: this machine is a peer as any other


def test_an_address_in_haste_is_told_when_to_come_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(STRANGERS + "requests_per_address = 5") as house:
        before = [house.get("/v1/credentials/uploads", None).status_code for _ in range(5)]
        assert before == [401] * 5
        answers = [house.get("/v1/credentials/uploads") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {429}
        assert answers[0].json()["Code"] == "TooManyRequests"
        assert answers[0].headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(answers[0].headers["Retry-After"]) <= 60
        assert answers[0].headers["Cache-Control"] == "no-store"
        # Neither the audit log nor the log can be flooded by an address.
        assert len(house.audit) == 5
        assert house.sts.asked == []
    assert sum("asked more than 5 times" in line for line in caplog.messages) == 1


def test_a_proxy_speaks_for_many() -> None:
    with running("requests_per_address = 5") as house:
        assert {house.get("/v1/grants").status_code for _ in range(20)} == {200}


def test_what_a_peer_says_of_its_address_changes_nothing() -> None:
    with running(STRANGERS + "requests_per_address = 5") as house:
        statuses = [
            house.get("/v1/grants", X_Forwarded_For=f"10.0.0.{number}", X_Real_IP="10.9.9.9")
            for number in range(10)
        ]
        assert [answer.status_code for answer in statuses] == [200] * 5 + [429] * 5


@pytest.mark.parametrize("prefix", ["", "/sts"])
def test_a_probe_from_the_address_of_a_flood_is_answered(prefix: str) -> None:
    with running(STRANGERS + 'requests_per_address = 1\nroot_path = "/sts"') as house:
        for path in ("/healthz", "/readyz"):
            assert house.get(prefix + path, None).status_code != 429
        assert house.get("/v1/grants").status_code == 200  # nothing was counted
        for path in ("/healthz", "/readyz"):
            assert house.get(prefix + path, None).status_code != 429
            assert house.get(f"{prefix}{path}?{'x' * 8000}", None).status_code == 414
        for path in ("/healthz/", "/readyz/x", "/v1/healthz", "/sts/sts/healthz", "/stsx/healthz"):
            assert house.get(path, None).status_code == 429


def test_peers_without_an_address_are_counted_together() -> None:
    app = Envelope(Door(Response(), peers=Peers(), rate=Rate(1)))

    async def nameless(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": None}, receive, send)

    statuses = [parts.exchange(nameless, "http://a/").status_code for _ in range(3)]
    assert statuses == [200, 429, 429]


def test_a_caller_in_haste_leaves_room_for_another() -> None:
    with running("requests_per_caller = 5") as house:
        alices = [house.get("/v1/credentials/uploads").status_code for _ in range(8)]
        assert alices == [200] * 5 + [429] * 3
        refused = house.get("/v1/credentials/uploads")
        assert refused.json()["Code"] == "TooManyRequests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert house.get("/v1/credentials/uploads", BOB_KEY).status_code == 200
        lines = [line for line in house.audit if line.get("code") == "TooManyRequests"]
        assert [line["caller"] for line in lines] == ["alice"] * 4


def test_the_list_of_grants_is_counted_too() -> None:
    with running("requests_per_caller = 2") as house:
        statuses = [house.get("/v1/grants", X_Request_Id="mine").status_code for _ in range(2)]
        assert statuses == [200, 200]
        assert house.get("/v1/credentials/uploads").status_code == 429
        assert house.get("/v1/grants").status_code == 429
        assert house.audit[0]["client_request_id"] == "mine"


def test_a_caller_is_only_counted_once_they_are_proven() -> None:
    with running("requests_per_caller = 5") as house:
        for _ in range(20):
            assert house.get("/v1/credentials/uploads", "osk_" + "x" * 43).status_code == 401
        assert house.get("/v1/credentials/uploads").status_code == 200


def test_thousands_of_unknown_keys_keep_nobody_waiting() -> None:
    with running() as house:
        head = b"GET /v1/credentials/uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer osk_%043d\r\n\r\n"
        with house.connect() as flood:
            for start in range(0, 3000, 50):
                flood.sendall(b"".join(head % number for number in range(start, start + 50)))
                if start % 1000 == 0:
                    begun = time.perf_counter()
                    assert house.get("/v1/credentials/uploads").status_code == 200
                    assert time.perf_counter() - begun < 2
                answered = b""
                while answered.count(b"HTTP/1.1 401") < 50:
                    answered += flood.recv(65536)
        assert len(house.sts.asked) == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/credentials/uploads?prefix=" + b"x" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100 + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 24_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 900_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_a_head_that_is_too_much_is_a_problem(house: House, head: bytes, status: int) -> None:
    answer, _, body = exchange(house, head).partition(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nx-request-id: " in answer
    assert b"\r\ncache-control: no-store" in answer
    if status != 200:
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/grants HTTP/1.1\r\nHost: a\r\n\r\n", 429),
        (b"HEAD /v1/grants HTTP/1.1\r\nHost: a\r\n\r\n", 429),
        (b"GET /?" + b"x" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100 + b"\r\n", 431),
    ],
)
def test_who_is_too_much_must_knock_again(head: bytes, status: int) -> None:
    with running(STRANGERS + "requests_per_address = 1") as house, house.connect() as kept:
        if status == 429:
            house.get("/v1/grants")
        kept.sendall(head * 3)
        answer = heard(kept)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.lower().count(b"\r\nconnection: close\r\n") == 1


@pytest.mark.parametrize(
    "hiding",
    [
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_no_request_hides_in_the_body_of_another(house: House, hiding: bytes) -> None:
    hidden = b"GET /v1/credentials/hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = exchange(house, hiding + hidden)
    # Only the hidden one would be in the audit log.
    assert house.audit == []
    assert answer.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("prefix", ["", "/sts"])
def test_a_prefix_may_be_taken_off_or_left(prefix: str) -> None:
    with running('root_path = "/sts"') as house:
        assert house.get(f"{prefix}/v1/credentials/uploads").status_code == 200
        assert house.get(f"{prefix}/healthz").status_code == 200
        assert house.get(f"{prefix}/v1/credentials/none").status_code == 403
        assert house.get(f"{prefix}/v1/credentials/uploads/").status_code == 404


@pytest.mark.parametrize("path", ["/sts/sts/healthz", "/stsx/healthz", "/sts", "/STS/healthz"])
def test_another_prefix_is_nothing(path: str) -> None:
    with running('root_path = "/sts"') as house:
        assert house.get(path).status_code == 404


def test_no_answer_repeats_the_host(house: House) -> None:
    for path in ("/", "/healthz/", "//evil.example/", "/v1/credentials/uploads/"):
        answer = requests.get(
            house.url + path, headers={"Host": "evil.example"}, allow_redirects=False, timeout=10
        )
        assert answer.status_code == 404
        assert "evil.example" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("path", ["/healthz", "/v1/credentials/uploads", "/v1/grants"])
@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "GET"])
def test_every_route_knows_its_methods_and_keeps_the_connection(
    house: House, path: str, method: str
) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {ALICE_KEY}"
        for _ in range(3):
            answer = session.request(method, house.url + path, timeout=10)
            assert answer.status_code == (204 if method == "OPTIONS" else 200)
            assert (answer.content == b"") is (method != "GET")
            assert (answer.headers.get("Allow") is None) is (method != "OPTIONS")
            assert "Connection" not in answer.headers
            if method == "HEAD":
                whole = session.get(house.url + path, timeout=10)
                assert answer.headers["Content-Length"] == whole.headers["Content-Length"]
    assert len({line["peer"] for line in house.audit}) <= 1


def test_options_of_nothing_in_particular_is_said_of_the_server(house: House) -> None:
    answer = exchange(house, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nallow: GET, HEAD, OPTIONS\r\n" in answer
    assert house.get("/nowhere", method="OPTIONS").status_code == 404


@pytest.mark.parametrize(
    ("sent", "noted"),
    [
        ("trace-1.a_B", "trace-1.a_B"),
        ("x" * 64, "x" * 64),
        ("x" * 65, None),
        ("a b", None),
        ('a","caller":"root', None),
        ("ä", None),
        ("", None),
    ],
)
def test_a_clients_own_id_is_noted_and_never_answered(
    house: House, sent: str, noted: str | None
) -> None:
    answer = house.get("/v1/credentials/uploads", X_Request_Id=sent)
    assert answer.status_code == 200
    assert answer.headers["X-Request-Id"] == answer.json()["Lease"]["RequestId"] != sent
    assert house.audit[0].get("client_request_id") == noted
    assert house.audit[0]["request_id"] == answer.headers["X-Request-Id"]


def test_two_ids_are_none(house: House) -> None:
    head = (
        b"GET /v1/credentials/x HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n"
    )
    exchange(house, head)
    assert "client_request_id" not in house.audit[0]
