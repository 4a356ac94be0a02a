"""CORS: which rules are taken, which preflights pass, and what answers say to a browser."""

import asyncio

import pytest

from sts_server.sandbox.oss.cors import matched
from sts_server.sandbox.store.bucket import Cors, CorsRule
from tests.sts_server.sandbox.house import House, Reply

PAGE = "http://page.test"
RULES = """
<CORSConfiguration>
<CORSRule><AllowedOrigin>http://*.test</AllowedOrigin><AllowedMethod>get</AllowedMethod>
<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-oss-*</AllowedHeader>
<AllowedHeader>Content-Type</AllowedHeader><ExposeHeader>ETag</ExposeHeader>
<ExposeHeader>x-oss-request-id</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>
<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>
</CORSConfiguration>
"""


def configure(house: House, text: str) -> Reply:
    return house.ask("PUT", "/bkt?cors", (text.encode(),), house.owner)


def options(house: House, path: str = "/bkt/a/x", **headers: str) -> Reply:
    named = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    scope = {
        "type": "http",
        "method": "OPTIONS",
        "scheme": "http",
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": named,
        "client": ("127.0.0.1", 1),
    }
    return asyncio.run(house.send(scope, (b"",)))


def asking(method: str, headers: str = "", origin: str = PAGE) -> dict[str, str]:
    wish = {"origin": origin, "access_control_request_method": method}
    return {**wish, **({"access_control_request_headers": headers} if headers else {})}


def test_rules_come_back_as_they_went(house: House) -> None:
    missing = house.ask("GET", "/bkt?cors", who=house.owner)
    assert missing.error[:2] == (404, "NoSuchCORSConfiguration")
    assert configure(house, RULES).status == 200
    tree = house.ask("GET", "/bkt?cors", who=house.owner).xml
    assert [e.text for e in tree.iter("AllowedMethod")] == ["GET", "PUT", "HEAD"]
    assert [e.text for e in tree.iter("ExposeHeader")] == ["ETag", "x-oss-request-id"]
    assert house.ask("DELETE", "/bkt?cors", who=house.owner).status == 204
    assert house.ask("GET", "/bkt?cors", who=house.owner).status == 404


def test_a_preflight_that_passes(house: House) -> None:
    configure(house, RULES)
    reply = options(house, **asking("PUT", "content-type, X-OSS-Date"))
    assert reply.status == 200
    shown = {n: v for n, v in reply.headers.items() if n.startswith("Access") or n == "Vary"}
    assert shown == {
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Allow-Methods": "GET, PUT",
        "Access-Control-Allow-Headers": "content-type, X-OSS-Date",
        "Access-Control-Expose-Headers": "ETag, x-oss-request-id",
        "Access-Control-Max-Age": "60",
        "Vary": "Origin",
    }


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (asking("DELETE"), (403, "AccessForbidden")),
        (asking("PUT", "authorization"), (403, "AccessForbidden")),
        (asking("PUT", "content-type,authorization"), (403, "AccessForbidden")),
        (asking("PUT", origin="https://page.test"), (403, "AccessForbidden")),
        (asking("PUT", origin="http://.test.evil"), (403, "AccessForbidden")),
        ({"origin": PAGE}, (400, "InvalidArgument")),
        ({"access_control_request_method": "PUT"}, (400, "InvalidArgument")),
    ],
)
def test_a_preflight_that_does_not(
    house: House, wish: dict[str, str], error: tuple[int, str]
) -> None:
    configure(house, RULES)
    reply = options(house, **wish)
    assert reply.error[:2] == error
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_without_rules_nothing_passes(house: House) -> None:
    assert options(house, **asking("GET")).error[:2] == (403, "AccessForbidden")
    assert options(house, "/nowhere/a", **asking("GET")).error[1] == "NoSuchBucket"
    assert options(house, "/", **asking("GET")).error[1] == "AccessForbidden"


def test_answers_and_refusals_both_say_it(house: House) -> None:
    configure(house, RULES)
    wish = {"origin": PAGE}
    put = house.ask("PUT", "/bkt/a/x", (b"x",), headers=wish)
    denied = house.ask("GET", "/bkt/b", headers=wish)
    assert (put.status, denied.status) == (200, 403)
    for reply in (put, denied):
        assert reply.headers["Access-Control-Allow-Origin"] == PAGE
        assert reply.headers["Access-Control-Expose-Headers"] == "ETag, x-oss-request-id"
    everybody = house.ask("HEAD", "/bkt/a/x", headers={"origin": "https://else.where"})
    assert everybody.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in everybody.headers
    unmatched = house.ask("GET", "/bkt/a/x", headers={"origin": "https://else.where"})
    assert unmatched.status == 200
    assert "Access-Control-Allow-Origin" not in unmatched.headers
    assert "Access-Control-Allow-Origin" not in house.ask("GET", "/bkt/a/x").headers


def test_vary_on_every_answer(house: House) -> None:
    configure(house, RULES.replace("</CORSConf", "<ResponseVary>true</ResponseVary></CORSConf"))
    reply = house.ask("GET", "/bkt/a/x", headers={"origin": "https://else.where"})
    assert reply.headers["Vary"] == "Origin"


def rule(inner: str, rest: str = "") -> str:
    return f"<CORSConfiguration><CORSRule>{inner}</CORSRule>{rest}</CORSConfiguration>"


ORIGIN, METHOD = "<AllowedOrigin>*</AllowedOrigin>", "<AllowedMethod>GET</AllowedMethod>"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<CORSConfiguration/>", "MalformedXML"),
        (rule(ORIGIN), "MalformedXML"),
        (rule(METHOD), "MalformedXML"),
        (rule(ORIGIN + METHOD, "<CORSRule/>" * 10), "MalformedXML"),
        (rule(ORIGIN + METHOD, "<ResponseVary>maybe</ResponseVary>"), "MalformedXML"),
        (rule(ORIGIN + METHOD + "<ID>1</ID>"), "MalformedXML"),
        (rule(ORIGIN + "<AllowedMethod>PATCH</AllowedMethod>"), "InvalidArgument"),
        (rule(METHOD + "<AllowedOrigin>*.*</AllowedOrigin>"), "InvalidArgument"),
        (rule(ORIGIN + METHOD + "<AllowedHeader>**</AllowedHeader>"), "InvalidArgument"),
        (rule(ORIGIN + METHOD + "<ExposeHeader>*</ExposeHeader>"), "InvalidArgument"),
        (rule(ORIGIN + METHOD + "<ExposeHeader>a&#10;b</ExposeHeader>"), "InvalidArgument"),
        (rule(ORIGIN + METHOD + "<MaxAgeSeconds>-1</MaxAgeSeconds>"), "InvalidArgument"),
        (rule(ORIGIN + METHOD + "<MaxAgeSeconds>1</MaxAgeSeconds>" * 2), "InvalidArgument"),
        (rule(ORIGIN + METHOD + " " * 16384), "EntityTooLarge"),
    ],
)
def test_rules_that_are_refused(house: House, text: str, code: str) -> None:
    assert configure(house, text).error[:2] == (400, code)
    assert house.ask("GET", "/bkt?cors", who=house.owner).status == 404


def test_the_first_rule_that_fits_in_all_wins() -> None:
    narrow = CorsRule(("http://a",), ("GET",), ("x-a",))
    wide = CorsRule(("*",), ("GET", "PUT"), ("*",))
    cors = Cors((narrow, wide))
    assert matched(cors, "http://a", "GET", "X-A") is narrow
    assert matched(cors, "http://a", "GET", "x-a, x-b") is wide
    assert matched(cors, "http://a", "PUT") is wide
    assert matched(cors, "http://a", "DELETE") is None
