"""The page of OSS's document "Conditional downloads (Browser.js SDK)", as printed, with our server's keys in it.

Nothing tells the SDK where the sandbox is: it asks for the bucket's own name. Only the placeholders are
replaced, and which conditions are in force: the page says "uncomment one of the headers below".
"""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.async_api import ConsoleMessage, Download, Page

from tests.browser.house import HERE, KEY, MODULES, Stage, open_page

PRINTED = (HERE / "document.html").read_text("utf-8")
CDN = "https://gosspublic.alicdn.com/aliyun-oss-sdk-6.16.0.min.js"
NAME = "exampledir/exampleobject.txt"
ETAG = '"0FB59D614834C6AB3F0F0B8D2808CFCF"'
OTHER_ETAG = f'"{"0" * 32}"'
EARLY = "1970-01-01"

CONDITION = re.compile(r"( *)(?:// )?(\"(If-[A-Za-z-]+)\": (?:new Date\(\"(.*)\"\).*|'(.*)'))\n")

Conditions = Mapping[str, str]


def written(keys: Mapping[str, str], conditions: Conditions) -> str:
    """Fill in the page: its placeholders, and the conditions with commas after them."""
    page = PRINTED
    for placeholder, value in {
        "yourRegion": "oss-cn-hangzhou",
        "yourAccessKeyId": keys["AccessKeyId"],
        "yourAccessKeySecret": keys["AccessKeySecret"],
        "yourSecurityToken": keys["SecurityToken"],
    }.items():
        assert page.count(f"'{placeholder}'") == 1
        page = page.replace(f"'{placeholder}'", f"'{value}'")

    def line(found: re.Match[str]) -> str:
        space, code, header, date, etag = found.groups()
        if header not in conditions:
            return f"{space}// {code}\n"
        return f"{space}{code.replace(date or etag, conditions[header])},\n"

    page, lines = CONDITION.subn(line, page)
    assert lines == 4
    return page


async def outcomes(page: Page, action: str) -> tuple[str, object]:
    """Click a button and give what comes of it first: a file, a line in the console, or a rejection."""
    heard: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def console(line: ConsoleMessage) -> None:
        said, status = "Status code: ", line.text
        if status.startswith(said):
            heard.put_nowait(("status", status.removeprefix(said)))

    page.on("download", lambda download: heard.put_nowait(("file", download)))
    page.on("pageerror", lambda error: heard.put_nowait(("rejection", error.message)))
    page.on("console", console)
    await page.click(action)
    return await asyncio.wait_for(heard.get(), 20)


async def asked(page: Page, sdk: str, html: str) -> object:
    """Open the page and click Download: the text of the file, the status, or what was not caught."""
    await open_page(page, html=html)
    await page.route(CDN, lambda route: route.fulfill(path=sdk_file(sdk)))
    await page.reload()
    kind, what = await outcomes(page, "#download")
    if kind == "file":
        assert isinstance(what, Download)
        return read(await what.path())
    return what


def read(path: Path) -> str:
    return path.read_text("utf-8")


def sdk_file(sdk: str) -> Path:
    return MODULES / sdk / "dist/aliyun-oss-sdk.min.js"


@pytest.fixture
def keys(stage: Stage) -> dict[str, Any]:
    """What our server vends for the document's folder."""
    bearer = {"Authorization": f"Bearer {KEY}"}
    answer = requests.get(f"{stage.url}/v1/credentials/example", headers=bearer, timeout=10)
    lease: dict[str, Any] = answer.json()
    return lease


@pytest.mark.parametrize("sdk", ["ali-oss-6.16.0", "ali-oss"])
async def test_the_printed_page(page: Page, keys: dict[str, Any], sdk: str) -> None:
    await page.route(CDN, lambda route: route.fulfill(path=sdk_file(sdk)))
    await open_page(page, html=written(keys, {"If-Modified-Since": EARLY}))
    async with page.expect_console_message() as logged:
        await page.click("#upload")
    assert (await logged.value).type == "log", (await logged.value).text
    head = f"client.head('{NAME}').then(({{ res }}) => res.headers)"
    headers = await page.evaluate(head)
    assert headers["etag"] == ETAG
    now = headers["last-modified"]
    both = {"If-Modified-Since": EARLY, "If-Unmodified-Since": now, "If-None-Match": OTHER_ETAG}
    refused = "At least one of the pre-conditions you specified did not hold"
    text = "examplecontent"
    cases: list[tuple[Conditions, str]] = [
        ({}, text),
        ({"If-Modified-Since": EARLY}, text),
        ({"If-Modified-Since": now}, "304"),
        ({"If-Unmodified-Since": now}, text),
        ({"If-Unmodified-Since": EARLY}, refused),
        ({"If-Match": ETAG}, text),
        ({"If-Match": OTHER_ETAG}, refused),
        ({"If-None-Match": OTHER_ETAG}, text),
        ({"If-None-Match": ETAG}, "304"),
        ({**both, "If-Match": ETAG}, text),
        ({**both, "If-Match": ETAG, "If-None-Match": ETAG}, "304"),
        ({**both, "If-Match": OTHER_ETAG}, refused),
    ]
    for conditions, expected in cases:
        told = await asked(page, sdk, written(keys, conditions))
        assert str(told).startswith(expected), conditions
