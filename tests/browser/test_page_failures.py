"""The page when something is wrong: it says what, and which rule the bucket wants."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from sts_server.sandbox import Sandbox
from tests.browser.desk import SDK, Desk, fill, rule, unfinished, with_page
from tests.browser.house import HERE, KEY, Stage

NAME = "users/alice/exampleobject.txt"
CONTENT = b"examplecontent"
HOURS = 2 * 3600


@pytest.fixture
def stage(cloud: Sandbox) -> Iterator[Stage]:
    with with_page(cloud) as running:
        yield running


@pytest.fixture
def desk(page: Page, stage: Stage) -> Desk:
    return Desk(page, stage)


async def test_a_key_that_is_none(desk: Desk) -> None:
    page = desk.page
    await desk.open()
    for key, said in (
        ("osk_" + "x" * 43, "does not know this key"),
        ("two words", "letters, digits and signs"),
        ("schlüssel", "letters, digits and signs"),
    ):
        await desk.sign_in(key)
        await desk.says("#alarm", said)
        await expect(page.get_by_label("Your key")).to_be_focused()
    await expect(page.locator("#desk")).to_be_hidden()
    await desk.sign_in(f"  {KEY}\n")
    await expect(page.locator("#desk")).to_be_visible()
    await expect(page.locator("#alarm")).to_be_empty()
    await desk.quiet()


async def test_a_key_is_not_sent_over_http(desk: Desk) -> None:
    asked: list[str] = []

    async def pass_on(route: Route) -> None:
        asked.append(route.request.url)
        path = route.request.url.removeprefix("http://sts.test")
        await route.fulfill(response=await route.fetch(url=desk.stage.url + path))

    await desk.page.route("http://sts.test/**", pass_on)
    await desk.page.goto("http://sts.test/")
    await desk.sign_in()
    await desk.says("#alarm", "Open it by https")
    assert not [url for url in asked if "/v1/" in url]


async def test_a_server_that_is_down(desk: Desk) -> None:
    await desk.open()
    await desk.page.context.set_offline(True)
    await desk.sign_in()
    await desk.says("#alarm", "The server does not answer")
    await desk.page.context.set_offline(False)
    await desk.sign_in()
    await desk.page.route("**/v1/credentials/**", lambda route: route.abort())
    await desk.page.get_by_role("radio", name="uploads").check()
    await desk.says("#alarm", "No answer")
    await desk.says("#log", "no answer")
    await desk.quiet()


async def test_a_caller_who_is_stopped(page: Page, cloud: Sandbox, tmp_path: Path) -> None:
    deny = tmp_path / "deny.toml"
    deny.write_text("callers = []")
    with with_page(cloud, more=f'deny_file = "{deny}"') as stage:
        desk = Desk(page, stage)
        await desk.open()
        await desk.sign_in()
        await expect(page.locator("#desk")).to_be_visible()
        deny.write_text('callers = ["alice"]')
        await page.get_by_role("radio", name="uploads").check()
        await desk.says("#alarm", "The server has stopped you")
        await desk.says("#log", "403 CallerNotAllowed")
        await page.reload()
        await desk.sign_in()
        await desk.says("#alarm", "The server refused: CallerNotAllowed")


async def test_a_caller_in_haste(page: Page, cloud: Sandbox) -> None:
    with with_page(cloud, asks=1) as stage:
        desk = Desk(page, stage)
        await desk.open()
        await desk.sign_in()
        await page.get_by_role("radio", name="uploads").check()
        await desk.says("#alarm", "Too many requests")
        await desk.says("#log", "429 TooManyRequests")
        await page.reload()
        await desk.sign_in()
        await desk.says("#alarm", "Too many requests. Try again in ")


async def test_a_server_that_sts_refuses(desk: Desk) -> None:
    desk.stage.sandbox.fault(service="sts", status=403, code="NoPermission")
    await desk.open()
    await desk.sign_in()
    await desk.page.get_by_role("radio", name="uploads").check()
    await desk.says("#alarm", "STS refuses the server's own key or role")
    await desk.says("#log", "502 UpstreamRefused")


@pytest.mark.parametrize("fault", ["away", "not what was pinned"])
async def test_ali_oss_that_does_not_load(desk: Desk, fault: str) -> None:
    other = {"body": "window.OSS = class {}", "headers": {"Access-Control-Allow-Origin": "*"}}
    await desk.page.route(
        f"**/{SDK.name}",
        lambda route: route.abort() if fault == "away" else route.fulfill(**other),
    )
    await desk.open()
    await desk.sign_in()
    await desk.says("#alarm", "ali-oss has not been loaded", "server.page_sdk")


async def test_a_script_from_elsewhere_does_not_run(desk: Desk) -> None:
    await desk.open()
    await desk.page.route("https://evil.example/**", lambda route: route.fulfill(path=SDK))
    await desk.page.evaluate(
        """() => {
          const script = document.createElement('script')
          try { script.src = 'https://evil.example/x.js' } catch (error) { window.caught = error.name }
          for (const html of ['innerHTML', 'outerHTML'])
            try { document.body[html] = '<p>x</p>' } catch (error) { window.caught += html }
        }"""
    )
    assert await desk.page.evaluate("caught") == "TypeErrorinnerHTMLouterHTML"
    sent = "fetch('https://evil.example/').then(() => 'sent', () => 'kept')"
    assert await desk.page.evaluate(sent) == "kept"


async def test_the_rule_that_is_missing_is_shown_and_mends_it(desk: Desk) -> None:
    desk.stage.cors(None)
    await desk.begin()
    await desk.says("#checks", "wrong", "CORS: the bucket has no rule that lets this page in")
    await desk.says("#rule", f"sts-server cors --origin {desk.stage.url}")
    shown = await desk.page.locator("#rule-text").text_content() or ""
    assert shown.strip() == rule(desk.stage).strip()
    await desk.picture("rule")
    desk.stage.cors(shown)
    await desk.page.get_by_role("button", name="Check again").click()
    await desk.says("#checks", "CORS: the bucket lets this page read and write")
    await expect(desk.page.locator("#rule")).to_be_hidden()
    await desk.upload("exampleobject.txt", CONTENT)
    await desk.says("#upload-said", "Stored, 14 bytes")


async def test_a_rule_for_another_page_and_one_that_is_too_narrow(desk: Desk) -> None:
    whole = rule(desk.stage)
    desk.stage.cors(whole.replace(desk.stage.url, "https://app.example.com"))
    await desk.begin()
    await desk.says("#checks", "CORS: the bucket has no rule that lets this page in")
    # In this order: what a browser was allowed it remembers, what it was refused it asks again.
    for narrow, said in (
        (whole.replace(">*<", ">authorization<"), "no rule that lets this page in"),
        (whole.replace("    <AllowedMethod>PUT</AllowedMethod>\n", ""), "use PUT."),
    ):
        assert narrow != whole
        desk.stage.cors(narrow)
        await desk.page.get_by_role("button", name="Check again").click()
        await desk.says("#checks", said)
        await expect(desk.page.locator("#rule")).to_be_visible()


async def test_a_bucket_that_cannot_be_reached(desk: Desk) -> None:
    await desk.page.route("**/*.aliyuncs.com/**", lambda route: route.abort())
    await desk.begin()
    await desk.says("#checks", "The bucket does not answer")
    await expect(desk.page.locator("#rule")).to_be_hidden()


async def test_a_check_leaves_nothing_behind(desk: Desk) -> None:
    await desk.begin()
    checks = [one for one in desk.stage.sent() if one["status"] == 400]
    assert {one["method"] for one in checks} == {"GET", "HEAD", "PUT", "POST"}
    await desk.says("#objects", "None seen yet")


async def test_an_etag_that_is_not_exposed(desk: Desk) -> None:
    fill(desk.stage, {NAME: CONTENT})
    desk.stage.cors(rule(desk.stage).replace("    <ExposeHeader>ETag</ExposeHeader>\n", ""))
    await desk.begin()
    await desk.says("#checks", "ETag: the bucket's CORS rule does not expose it")
    await expect(desk.page.locator("#rule")).to_be_visible()
    await desk.upload("big.bin", b"x" * 300_000)
    await desk.says("#upload-said", "EtagHidden", "does not expose ETag")
    # What had gone up of it is gone again.
    assert unfinished(desk.stage) == []
    desk.stage.cors(rule(desk.stage))
    await desk.upload("big.bin", b"x" * 300_000)
    await desk.says("#upload-said", "Stored, 300,000 bytes")
    await desk.says("#checks", "ETag: the bucket shows it")
    await expect(desk.page.locator("#rule")).to_be_hidden()


@pytest.mark.parametrize(("off", "way"), [(-HOURS, "behind"), (HOURS, "ahead")])
async def test_a_clock_that_is_two_hours_off(desk: Desk, off: int, way: str) -> None:
    await desk.page.clock.set_system_time(desk.stage.clock() + off)
    await desk.begin()
    await desk.says("#checks", f"Clock: yours is 2 h 0 min {way}")
    await desk.says("#lease-left", "0:59:")
    await desk.upload("exampleobject.txt", CONTENT)
    await desk.says("#upload-said", "Stored, 14 bytes")
    await desk.page.get_by_role("button", name=f"Choose {NAME}").click()
    assert await desk.download() == CONTENT
    assert 403 not in {one["status"] for one in desk.stage.sent()}


async def test_a_part_that_fails_is_said_and_nothing_is_left(desk: Desk) -> None:
    await desk.begin()
    desk.stage.sandbox.fault(operation="UploadPart", nth=3, status=500, code="InternalError")
    await desk.upload("big.bin", b"x" * 1_000_000)
    await desk.says("#upload-said", "500 InternalError", "A fault over there")
    await expect(desk.page.locator("#progress-label")).to_have_text("Progress: 0 %")
    assert unfinished(desk.stage) == []


def test_nothing_in_the_page_makes_html_of_a_string() -> None:
    ways = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")
    folder = HERE.parents[1] / "client/browser"
    for script in folder.glob("*.js"):
        text = script.read_text("utf-8")
        assert [way for way in ways if way in text] == [], script
        assert "Storage" not in text
        assert ".cookie" not in text
