"""CORS: exactly which headers, for exactly which origins, on every kind of answer."""

import pytest

from sts_server.errors import UpstreamUnavailable
from tests.sts_server.http.house import House, exchange, running

OURS = "https://app.example.com"
SERVER = f'allow_origins = ["{OURS}", "http://localhost:3000"]\n'
SHARED = {
    "Access-Control-Allow-Origin": OURS,
    "Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate, X-Request-Id",
    "Vary": "Origin",
}
FOREIGN = [
    "https://app.example.com.evil.example",
    "https://evil.example",
    "https://APP.example.com",
    "https://app.example.com:443",
    "https://app.example.com/",
    "http://app.example.com",
    "https://app.example.co",
    "https://sub.app.example.com",
    "http://localhost",
    "null",
    "*",
    "",
    f"{OURS} https://evil.example",
    f"{OURS}, https://evil.example",
]


def cors(headers: object) -> dict[str, str]:
    """Pick what says something about origins."""
    pairs: list[tuple[str, str]] = list(headers.items())  # type: ignore[attr-defined]  # requests' own mapping
    return {name.title(): value for name, value in pairs if name.title() == "Vary" or "access-control" in name.lower()}  # fmt: skip


@pytest.mark.parametrize("origin", [OURS, "http://localhost:3000"])
def test_a_listed_page_may_read(origin: str) -> None:
    with running(SERVER) as house:
        answer = house.get("/v1/credentials/uploads", Origin=origin)
        assert cors(answer.headers) == {**SHARED, "Access-Control-Allow-Origin": origin}
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_listed_page_may_read_every_refusal() -> None:
    with running(SERVER + "requests_per_address = 6\nproxies = []") as house:
        house.sts.error = UpstreamUnavailable("away", hint="", retry_after=5)
        for path, key, method, status in (
            ("/v1/credentials/uploads", None, "GET", 401),
            ("/v1/credentials/uploads", "osk_" + "a" * 43, "GET", 503),
            ("/v1/credentials/none", "osk_" + "a" * 43, "GET", 403),
            ("/v1/credentials/none", "osk_" + "a" * 43, "DELETE", 405),
            ("/nowhere", None, "GET", 404),
            ("/" + "x" * 8001, None, "GET", 414),
            ("/v1/grants", None, "GET", 429),
        ):
            answer = house.get(path, key, method, Origin=OURS)
            assert (answer.status_code, cors(answer.headers)) == (status, SHARED)


def test_a_listed_page_may_read_a_fault_of_our_own() -> None:
    with running(SERVER) as house:
        house.sts.error = RuntimeError("a fault")
        answer = house.get("/v1/credentials/uploads", Origin=OURS)
        assert (answer.status_code, cors(answer.headers)) == (500, SHARED)


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_page_is_answered_without_a_sign(origin: str) -> None:
    with running(SERVER) as house:
        answer = house.get("/v1/credentials/uploads", Origin=origin)
        assert (answer.status_code, cors(answer.headers)) == (200, {"Vary": "Origin"})
        preflight = house.get(
            "/v1/credentials/uploads",
            None,
            "OPTIONS",
            Origin=origin,
            Access_Control_Request_Method="GET",
        )
        assert (preflight.status_code, cors(preflight.headers)) == (204, {"Vary": "Origin"})


def test_two_origins_are_none() -> None:
    with running(SERVER) as house:
        head = f"GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: {OURS}\r\nOrigin: {OURS}\r\n\r\n"
        assert b"access-control" not in exchange(house, head.encode()).lower()


def test_no_origin_still_varies() -> None:
    with running(SERVER) as house:
        assert cors(house.get("/healthz").headers) == {"Vary": "Origin"}


@pytest.mark.parametrize("path", ["/v1/credentials/uploads", "/healthz", "/nowhere"])
def test_a_preflight_lets_the_key_through_and_nothing_more(path: str) -> None:
    with running(SERVER) as house:
        answer = house.get(
            path,
            None,
            "OPTIONS",
            Origin=OURS,
            Access_Control_Request_Method="GET",
            Access_Control_Request_Headers="authorization",
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert cors(answer.headers) == {
            **SHARED,
            "Access-Control-Allow-Methods": "GET, HEAD",
            "Access-Control-Allow-Headers": "Authorization, X-Request-Id",
            "Access-Control-Max-Age": "600",
        }
        assert house.audit == []


def preflight(house: House, path: str = "/v1/grants", **headers: str) -> tuple[int, dict[str, str]]:
    answer = house.get(
        path, None, "OPTIONS", Origin=OURS, Access_Control_Request_Method="GET", **headers
    )
    return answer.status_code, cors(answer.headers)


def test_a_preflight_is_counted_as_any_request() -> None:
    with running(SERVER + "requests_per_address = 3\nproxies = []") as house:
        assert [preflight(house)[0] for _ in range(3)] == [204] * 3
        assert preflight(house) == (429, SHARED)


def test_a_preflight_may_be_no_more_than_any_request() -> None:
    with running(SERVER) as house:
        assert preflight(house, "/" + "x" * 8001) == (414, SHARED)
        assert preflight(house, **{f"A{number}": "b" for number in range(100)}) == (431, SHARED)
        assert preflight(house, Content_Length="5") == (413, SHARED)


def test_options_that_asks_nothing_is_no_preflight() -> None:
    with running(SERVER) as house:
        answer = house.get("/healthz", None, "OPTIONS", Origin=OURS)
        assert (answer.headers["Allow"], cors(answer.headers)) == ("GET, HEAD, OPTIONS", SHARED)


def test_without_a_list_nobody_sees_a_sign(house: House) -> None:
    for method in ("GET", "OPTIONS"):
        answer = house.get(
            "/healthz", None, method, Origin=OURS, Access_Control_Request_Method="GET"
        )
        assert cors(answer.headers) == {}
