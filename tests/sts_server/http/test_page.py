"""The page as it is served: these files and no others, behind a policy that fences them in."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sts_server.app import App
from sts_server.errors import ConfigError
from sts_server.http.page import FILES, content_security_policy, shipped
from tests.sts_server.http.house import House, exchange, running
from tests.sts_server.parts import CONFIG, ScriptedSts, SetClock, read

SDK = "https://static.example.com/ali-oss.min.js"
DIGEST = "sha384-" + base64.b64encode(hashlib.sha384(b"").digest()).decode()
PAGE = f'page = true\npage_sdk = "{SDK}"'
ALL = dict(FILES.values())


@pytest.fixture(scope="module")
def paged() -> Iterator[House]:
    with running(PAGE) as house:
        yield house


def test_without_the_setting_there_is_no_page(house: House) -> None:
    for path in ALL:
        assert house.get(path, key=None).status_code == 404


@pytest.mark.parametrize("path", ALL)
def test_each_file_is_there_for_everybody(paged: House, path: str) -> None:
    answer = paged.get(path, key=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, ALL[path])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Set-Cookie" not in answer.headers
    head = paged.get(path, key=None, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert paged.get(path, key=None, method="POST").status_code == 405


@pytest.mark.parametrize("path", ALL)
def test_a_browser_that_has_a_file_gets_it_once(paged: House, path: str) -> None:
    first = paged.get(path, key=None)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        again = paged.get(path, key=None, If_None_Match=sent)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert paged.get(path, key=None, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/leases.d.ts",
        "/package.json",
        "/README.md",
        "/../app.py",
        "/%2e%2e/app.py",
        "/..%2fapp.py",
        "/page.js/",
        "//page.js",
        "/page.js%00",
        "/PAGE.JS",
        "/./page.js",
        "/browser/",
    ],
)
def test_nothing_else_of_the_disk_is(paged: House, path: str) -> None:
    # As raw bytes: clients tidy paths up.
    answer = exchange(paged, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))


def test_the_page_runs_its_own_scripts_and_ali_oss_and_talks_to_its_own(paged: House) -> None:
    answer = paged.get("/", key=None)
    said = answer.headers["Content-Security-Policy"]
    policy = dict(part.split(" ", 1) for part in said.split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' {SDK}",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self' https://examplebucket.oss-cn-hangzhou.aliyuncs.com",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_what_is_no_page_stays_behind_the_stricter_policy(paged: House) -> None:
    for path in ("/v1/grants", "/healthz", "/nowhere", "/openapi.json"):
        headers = paged.get(path).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == "no-store"


def test_no_script_and_no_style_is_inside_the_document() -> None:
    text = (shipped() / "index.html").read_text("utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|style=|javascript:", text) == []
    assert 'name="' not in text.replace('<meta name="', "")  # nothing that a form could carry


def test_ali_oss_is_loaded_from_where_it_is_said(paged: House) -> None:
    text = paged.get("/", key=None).text
    assert f'<script src="{SDK}" defer></script>' in text
    with running(f'{PAGE}\npage_sdk_integrity = "{DIGEST}"') as house:
        pinned = house.get("/", key=None).text
    assert f'<script src="{SDK}" integrity="{DIGEST}" crossorigin="anonymous" defer>' in pinned


def test_every_file_that_the_page_loads_is_in_the_table() -> None:
    for name in FILES:
        text = (shipped() / name).read_text("utf-8")
        loaded = {*re.findall(r'(?:from|import) "\./([^"]+)"', text)}
        loaded |= {*re.findall(r'(?:src|href)="([\w.]+)"', text)}
        assert loaded <= set(FILES), name


@pytest.mark.parametrize(
    ("lines", "bucket"),
    [
        ('endpoint = "http://localhost:9000"', "http://localhost:9000"),
        ('endpoint = "https://files.example.com"\nstyle = "cname"', "https://files.example.com"),
        ('endpoint = "https://oss.example.com:8443"', "https://examplebucket.oss.example.com:8443"),
    ],
)
def test_the_bucket_is_named_as_the_page_reaches_it(lines: str, bucket: str) -> None:
    text = CONFIG.replace("[sts]", f"{lines}\n[sts]")
    tables = read(f"[server]\n{PAGE}\n{text}").tables
    assert f"connect-src 'self' {bucket};" in content_security_policy(tables.server, tables.oss)


def test_a_page_of_ones_own_is_read_at_the_start_and_not_again(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text(f"own {name} <!-- ali-oss -->")
    with running(PAGE.replace("true", f'"{tmp_path}"')) as house:
        (tmp_path / "page.js").write_text("changed")
        assert house.get("/page.js", key=None).text.startswith("own page.js")
        assert SDK in house.get("/", key=None).text


def test_a_folder_without_a_page_is_named(tmp_path: Path) -> None:
    settings = read(f"[server]\n{PAGE.replace('true', repr(str(tmp_path)))}\n{CONFIG}")
    with pytest.raises(ConfigError, match=r"server\.page: index\.html cannot be read: No such"):
        App(settings, assume_role=ScriptedSts(SetClock()), audit=lambda _: None)


def test_behind_a_proxy_the_page_is_below_its_path() -> None:
    with running(f'{PAGE}\nroot_path = "/sts"') as house:
        assert house.get("/sts/", key=None).text == house.get("/", key=None).text
        assert house.get("/sts/page.js", key=None).status_code == 200
