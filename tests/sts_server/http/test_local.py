"""--insecure-dev: everybody on this machine is `dev`; a page whose name means 127.0.0.1 is nobody."""

import json
from collections.abc import Iterator

import pytest

from sts_server.config import parse
from tests.sts_server.http.house import House, exchange, running
from tests.sts_server.parts import CONFIG, ENVIRON

NOBODY = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]
PAGE = "http://localhost:3000"


@pytest.fixture
def dev() -> Iterator[House]:
    text = f'[server]\nallow_origins = ["{PAGE}"]\n{NOBODY}'
    with running(settings=parse(text, ENVIRON, insecure_dev=True)) as house:
        yield house


def ask(house: House, *headers: bytes) -> tuple[int, dict[str, object]]:
    """Ask for a lease with exactly these headers."""
    lines = b"".join(line + b"\r\n" for line in headers)
    answer = exchange(house, b"GET /v1/credentials/uploads HTTP/1.1\r\n" + lines + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"localhost:8000", b"LocalHost:1", b"127.0.0.1", b"127.0.0.1:8000", b"[::1]:8000", b"[::1]"],
)  # fmt: skip
def test_everybody_here_is_dev(dev: House, host: bytes) -> None:
    status, body = ask(dev, b"Host: " + host)
    assert status == 200
    assert body["Lease"]["Prefix"] == "users/dev/"  # type: ignore[index]  # it is a lease
    assert dev.audit[0]["caller"] == "dev"


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:8000",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"localhost.",
        b"localhost:evil",
        b"localhost:8000:8000",
        b"evil.example, localhost",
        b"user@localhost",
        b"127.0.0.2",
        b"127.1",
        b"2130706433",
        b"0.0.0.0",
        b"[::]",
        b"::1",
        b"[::ffff:127.0.0.1]",
        b"",
    ],
)
def test_a_page_that_calls_this_machine_its_own_gets_nothing(dev: House, host: bytes) -> None:
    status, body = ask(dev, b"Host: " + host)
    assert (status, body["Code"]) == (421, "MisdirectedRequest")
    assert dev.audit == []
    assert dev.sts.asked == []


def test_every_path_is_closed_to_it(dev: House) -> None:
    for path in ("/", "/healthz", "/v1/credentials/uploads"):
        answer = dev.get(path, None, Host="evil.example")
        assert answer.status_code == 421
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_http_1_0_without_a_host_is_nobody_here(dev: House) -> None:
    assert exchange(dev, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421 ")


def test_two_hosts_are_none(dev: House) -> None:
    answer = exchange(
        dev, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", [b"http://localhost/healthz", b"http://evil.example/healthz"])
def test_a_host_in_the_target_gets_nothing(dev: House, target: bytes) -> None:
    answer = exchange(dev, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (PAGE.encode(), 200),
        (b"http://localhost:8000", 200),  # the host asked, so a page of ours
        (b"https://localhost:8000", 403),
        (b"http://localhost:8001", 403),
        (b"http://127.0.0.1:8000", 403),
        (b"http://evil.example", 403),
        (b"null", 403),
        (b"", 403),
    ],
)
def test_a_page_from_elsewhere_may_not_ask(dev: House, origin: bytes, status: int) -> None:
    answered, body = ask(dev, b"Host: localhost:8000", b"Origin: " + origin)
    assert answered == status
    assert status == 200 or body["Code"] == "ForeignOrigin"


@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        (b"none", None, 200),  # typed in the browser
        (b"same-origin", None, 200),
        (b"same-origin", b"http://localhost:8000", 200),
        (b"same-site", PAGE.encode(), 200),
        (b"cross-site", PAGE.encode(), 200),
        (b"cross-site", None, 403),  # an image, a link, a form
        (b"same-site", None, 403),  # the same from another port
        (b"same-site", b"http://localhost:8000", 403),
        (b"cross-site", b"http://evil.example", 403),
        (b"none", b"http://evil.example", 403),
        (b"Cross-Site", None, 403),
        (b"none, cross-site", None, 403),
        (b"", None, 403),
    ],
)
def test_a_page_that_does_not_say_who_it_is_may_not_ask(
    dev: House, site: bytes, origin: bytes | None, status: int
) -> None:
    headers = [b"Host: localhost:8000", b"Sec-Fetch-Site: " + site]
    if origin is not None:
        headers.append(b"Origin: " + origin)
    answered, body = ask(dev, *headers)
    assert answered == status
    assert status == 200 or body["Code"] == "ForeignOrigin"
    assert status == 200 or dev.sts.asked == []


def test_a_second_word_about_the_site_hides_nothing(dev: House) -> None:
    words = (b"Sec-Fetch-Site: none", b"Sec-Fetch-Site: cross-site")
    assert ask(dev, b"Host: localhost", *words)[0] == 403


def test_a_preflight_is_answered_to_listed_pages_that_know_our_name(dev: House) -> None:
    asks = {"Access_Control_Request_Method": "GET", "Sec_Fetch_Site": "same-site"}
    for host, origin, status in (
        ("localhost", PAGE, 204),
        ("localhost", "http://evil.example", 403),
        ("evil.example", PAGE, 421),
    ):
        answer = dev.get("/v1/grants", None, "OPTIONS", Host=host, Origin=origin, **asks)
        assert answer.status_code == status


def test_one_foreign_origin_among_two_is_foreign(dev: House) -> None:
    ours = b"Origin: " + PAGE.encode()
    assert ask(dev, b"Host: localhost", ours, b"Origin: http://evil.example")[0] == 403


def test_a_proof_is_not_asked_for_and_not_read(dev: House) -> None:
    assert ask(dev, b"Host: localhost", b"Authorization: Bearer x")[0] == 200


def test_without_the_option_any_host_is_answered(house: House) -> None:
    assert house.get("/healthz", Host="sts.example.com").status_code == 200
