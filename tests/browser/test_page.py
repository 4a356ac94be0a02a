"""The page by clicks: sign in, upload, list, download on each condition, create only, sign out."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from sts_server.sandbox import Sandbox
from tests.browser.desk import SDK, Desk, fill, with_page
from tests.browser.house import KEY, LIFE, MODULES, Stage

NAME = "users/alice/exampleobject.txt"
CONTENT = b"examplecontent"
ETAG = '"0FB59D614834C6AB3F0F0B8D2808CFCF"'
OTHER_ETAG = f'"{"0" * 32}"'
EARLY = "Thu, 01 Jan 1970 00:00:00 GMT"
LATE = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture
def stage(cloud: Sandbox) -> Iterator[Stage]:
    with with_page(cloud) as running:
        yield running


@pytest.fixture
def desk(page: Page, stage: Stage) -> Desk:
    return Desk(page, stage)


async def test_the_whole_page_by_clicks(desk: Desk) -> None:
    page, stage = desk.page, desk.stage
    await desk.open()
    await expect(page.get_by_label("Your key")).to_be_focused()
    await desk.sign_in()
    await expect(page.get_by_role("radio")).to_have_count(2)
    await desk.choose()
    await desk.says("#checks", "Clock: it agrees", "CORS: the bucket lets", "ETag: known with")
    await desk.says(
        "#lease", "examplebucket (cn-hangzhou)", "users/alice/", "get, put, list", "0:59:"
    )
    (key_id,) = stage.vended()
    await desk.says("#lease-key", key_id[:14])

    # In parts, with its progress.
    await page.evaluate(
        """window.shares = []
        new MutationObserver(() => shares.push(document.getElementById('progress').value))
          .observe(document.getElementById('progress-label'), { childList: true })"""
    )
    await desk.upload("big.bin", bytes(range(256)) * 8192)
    await desk.says("#upload-said", "200", "Stored, 2,097,152 bytes")
    shares = await page.evaluate("shares")
    assert shares == sorted(shares)
    assert len(set(shares)) > 10
    assert shares[-1] == 1
    await desk.says("#checks", "ETag: the bucket shows it")

    # Create only, twice.
    await page.get_by_label("Create only").check()
    await desk.upload("exampleobject.txt", CONTENT)
    await desk.says("#upload-said", "200", "there was none of this name")
    await desk.upload("exampleobject.txt", b"other")
    await desk.says("#upload-said", "409 FileAlreadyExists", "Nothing was written")

    await expect(page.locator("#rows tr")).to_have_count(2)
    await page.get_by_role("button", name=f"Choose {NAME}").click()
    await expect(page.locator("#download-name")).to_be_focused()
    assert await desk.download() == CONTENT
    await desk.says("#download-said", "200", "Downloaded, 14 bytes")
    await desk.says("#log", "GET /v1/grants", "GET /v1/credentials/uploads", f"GET {NAME}")
    await desk.picture("desk")
    await desk.quiet()

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Your key")).to_be_focused()
    await expect(page.get_by_label("Your key")).to_have_value("")
    assert await page.locator("#log li, #rows tr, input[name=grant]").count() == 0


async def test_each_condition_both_ways(desk: Desk) -> None:
    fill(desk.stage, {NAME: CONTENT})
    await desk.begin()
    await desk.page.get_by_role("button", name=f"Choose {NAME}").click()
    for condition, seen, met, unmet, status in (
        ("If-None-Match", ETAG, OTHER_ETAG, ETAG, "304"),
        ("If-Modified-Since", "GMT", EARLY, LATE, "304"),
        ("If-Match", ETAG, ETAG, OTHER_ETAG, "412 PreconditionFailed"),
        ("If-Unmodified-Since", "GMT", LATE, EARLY, "412 PreconditionFailed"),
    ):
        desk.stage.sandbox.clear_requests()
        value = desk.page.get_by_role("textbox", name=condition, exact=True)
        box = desk.page.get_by_role("checkbox", name=condition, exact=True)
        assert seen in await value.input_value()
        await box.check()
        await value.fill(met)
        assert await desk.download() == CONTENT
        assert seen in await value.input_value()
        await value.fill(unmet)
        await desk.press_download()
        await desk.says("#download-said", status)
        await desk.says("#log", f"GET {NAME} ({condition})")
        assert [one["status"] for one in desk.stage.sent()] == [200, int(status[:3])]
        await box.uncheck()


async def test_a_condition_without_a_value_is_not_sent(desk: Desk) -> None:
    await desk.begin()
    await desk.page.locator("#download-name").fill(NAME)
    await desk.page.get_by_role("checkbox", name="If-Match", exact=True).check()
    desk.stage.sandbox.clear_requests()
    await desk.press_download()
    await expect(desk.page.locator("#if-match")).to_be_focused()
    assert desk.stage.sent() == []


async def test_conditions_together_must_all_hold(desk: Desk) -> None:
    fill(desk.stage, {NAME: CONTENT})
    await desk.begin()
    await desk.page.get_by_role("button", name=f"Choose {NAME}").click()
    for condition in ("If-Match", "If-Unmodified-Since"):
        await desk.page.get_by_role("checkbox", name=condition, exact=True).check()
    assert await desk.download() == CONTENT
    await desk.page.get_by_role("textbox", name="If-Unmodified-Since").fill(EARLY)
    await desk.press_download()
    await desk.says("#download-said", "412 PreconditionFailed")


async def test_a_file_can_be_dropped(desk: Desk) -> None:
    await desk.begin()
    await desk.page.evaluate(
        """() => {
          const data = new DataTransfer()
          data.items.add(new File(['dropped'], 'dropped.txt'))
          const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          document.getElementById('drop').dispatchEvent(drop)
        }"""
    )
    await expect(desk.page.locator("#upload-name")).to_have_value("users/alice/dropped.txt")
    await desk.page.locator("#upload-go").click()
    await desk.says("#upload-said", "Stored, 7 bytes")


async def test_impatience_changes_nothing(desk: Desk) -> None:
    fill(desk.stage, {NAME: CONTENT})
    page = desk.page
    await desk.open()
    await page.get_by_label("Your key").fill(KEY)
    await page.evaluate(
        "for (const _ of 'abc') document.getElementById('key-form').requestSubmit()"
    )
    await desk.choose()
    await expect(page.get_by_role("radio")).to_have_count(2)
    await page.evaluate("for (const _ of 'abc') document.getElementById('list').click()")
    await expect(page.locator("#log li", has_text="list-type=2")).to_have_count(4)
    await expect(page.locator("#rows tr")).to_have_count(1)
    await desk.quiet()


async def test_a_long_listing_goes_on(desk: Desk) -> None:
    fill(desk.stage, {f"users/alice/{number:03}": b"" for number in range(101)})
    await desk.begin()
    await expect(desk.page.locator("#rows tr")).to_have_count(100)
    await desk.page.get_by_role("button", name="More").click()
    await expect(desk.page.locator("#rows tr")).to_have_count(101)
    await expect(desk.page.locator("#more")).to_be_hidden()
    await desk.says("#objects-count", "101 seen")


async def test_the_page_works_by_keyboard_alone(desk: Desk) -> None:
    fill(desk.stage, {NAME: CONTENT})
    page = desk.page
    await desk.open()
    await page.keyboard.type(KEY)
    await page.keyboard.press("Enter")
    await expect(page.locator("#grants-title")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.locator("#check-again")).to_be_enabled()
    stops = []
    for _ in range(20):
        await page.keyboard.press("Tab")
        stops.append(await page.evaluate("document.activeElement.id"))
    wanted = ["check-again", "file", "upload-name", "forbid", "upload-go", "download-name"]
    wanted += ["use-if-none-match", "if-none-match", "list"]
    assert [stop for stop in stops if stop in wanted] == wanted


async def test_a_lease_that_covers_no_list_shows_none(desk: Desk) -> None:
    await desk.begin("example")
    await expect(desk.page.locator("#upload")).to_be_visible()
    await expect(desk.page.locator("#objects")).to_be_hidden()
    await desk.upload("x", CONTENT)
    await desk.says("#upload-said", "200")
    # Another grant: the first one's controls let go, and nothing is done twice.
    await desk.choose("uploads")
    await desk.upload("x", CONTENT)
    await desk.says("#upload-said", "200")
    puts = [one["path"] for one in desk.stage.sent() if one["operation"] == "PutObject"]
    assert puts[-2:] == ["/exampledir/x", "/users/alice/x"]


async def test_an_older_ali_oss_that_signs_otherwise(page: Page, cloud: Sandbox) -> None:
    with with_page(cloud, sdk=MODULES / "ali-oss-6.16.0/dist" / SDK.name) as stage:
        desk = Desk(page, stage)
        await desk.begin()
        await desk.upload("exampleobject.txt", CONTENT * 10_000)
        await desk.says("#upload-said", "Stored, 140,000 bytes")
        await page.get_by_role("button", name=f"Choose {NAME}").click()
        assert await desk.download() == CONTENT * 10_000
        # Once it tries to make code of a text, is refused, and does without.
        assert len(await page.evaluate("violations")) == 1
        assert desk.errors == []


async def test_outside_of_the_lease_oss_refuses_and_the_page_says_so(desk: Desk) -> None:
    await desk.begin()
    await desk.page.locator("#download-name").fill("users/bob/x")
    await desk.press_download()
    await desk.says("#download-said", "403 AccessDenied", "The lease does not reach this")


async def test_a_renewed_lease_is_the_one_that_is_shown(desk: Desk) -> None:
    await desk.begin()
    desk.stage.later(LIFE + 1)
    # The page has one clock only, so OSS must have the same.
    desk.stage.sandbox.fault(service="oss", skew=desk.stage.ahead)
    await desk.page.clock.set_system_time(desk.stage.clock())
    await desk.page.get_by_role("button", name="List").click()
    await expect(desk.page.locator("#log li")).to_have_count(5)
    first, second = desk.stage.vended()
    await desk.says("#lease-key", second[:14])
    assert first != second
