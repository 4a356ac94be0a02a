"""How the page looks and reads: accessible in both languages and colours, whole on a phone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from sts_server.sandbox import Sandbox
from tests.browser.chromium import Chromium
from tests.browser.desk import Desk, fill, with_page
from tests.browser.house import MODULES, ROOT, Stage

AXE = (MODULES / "axe-core/axe.min.js").read_text("utf-8") if MODULES.is_dir() else ""
LONG = "users/alice/" + "a-long-name-without-any-blank-" * 8
SCHEMES = ["light", "dark"]
LANGUAGES = ["en", "zh-CN"]


@pytest.fixture
def stage(cloud: Sandbox) -> Iterator[Stage]:
    with with_page(cloud) as running:
        yield running


@pytest.fixture
def desk(page: Page, stage: Stage) -> Desk:
    return Desk(page, stage)


async def violations(page: Page) -> list[Any]:
    """Let axe-core judge the page; colours are judged at rest."""
    await page.evaluate("Promise.all(document.getAnimations().map(it => it.finished))")
    found: list[Any] = await page.evaluate(
        """async () => (await axe.run()).violations.map(({ id, impact, nodes }) =>
             [id, impact, nodes.map(({ target }) => target.join(' '))])"""
    )
    return found


async def test_axe_finds_nothing_in_any_colour_or_language(desk: Desk) -> None:
    page = desk.page
    fill(desk.stage, {LONG: b"x", "users/alice/b.txt": b"y"})

    async def everywhere(name: str) -> None:
        await page.evaluate(AXE)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for language in LANGUAGES:
                await page.locator(f"button[lang={language}]").click()
                assert await violations(page) == [], (name, scheme, language)
                await desk.picture(f"{name}-{scheme}-{language}")
        await page.locator("button[lang=en]").click()

    await desk.open()
    await desk.sign_in("osk_wrong")
    await desk.says("#alarm", "does not know")
    await everywhere("sign-in")
    await desk.sign_in()
    await desk.choose()
    await page.get_by_role("button", name=f"Choose {LONG}").click()
    await page.get_by_role("checkbox", name="If-None-Match", exact=True).check()
    await desk.press_download()
    await desk.says("#download-said", "304")
    await page.get_by_role("checkbox", name="If-None-Match", exact=True).uncheck()
    await page.locator("#download-name").fill("users/bob/x")
    await desk.press_download()
    await desk.says("#download-said", "403")
    desk.stage.cors(None)
    await page.get_by_role("button", name="Check again").click()
    await expect(page.locator("#rule")).to_be_visible()
    await everywhere("desk")


async def test_on_a_phone_nothing_is_wider_than_the_screen(desk: Desk) -> None:
    page = desk.page
    fill(desk.stage, {LONG: b"x", "users/alice/b.txt": b"y"})
    await page.set_viewport_size({"width": 360, "height": 740})
    await desk.open()
    wide = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert await page.evaluate(wide) == 360
    await desk.sign_in()
    await desk.choose()
    await page.get_by_role("button", name=f"Choose {LONG}").click()
    await desk.download()
    desk.stage.cors(None)
    await page.get_by_role("button", name="Check again").click()
    await expect(page.locator("#rule")).to_be_visible()
    for language in LANGUAGES:
        await page.locator(f"button[lang={language}]").click()
        assert await page.evaluate(wide) == 360
        beyond = await page.evaluate(
            """[...document.querySelectorAll('main *')].filter(it =>
                 it.getBoundingClientRect().right > 360 && !it.closest('pre, thead'))
                 .map(it => it.outerHTML)"""
        )
        assert beyond == []
        await desk.picture(f"phone-{language}")


async def test_the_language_changes_everything_that_is_said(desk: Desk) -> None:
    page = desk.page
    fill(desk.stage, {"users/alice/b.txt": b"y"})
    await desk.begin()
    assert await page.get_attribute("html", "lang") == "en"
    await page.get_by_role("button", name="中文").click()
    assert await page.get_attribute("html", "lang") == "zh-CN"
    await expect(page.locator("button[lang=zh-CN]")).to_have_attribute("aria-pressed", "true")
    await desk.says("#log", "您可以申请的授权")
    await desk.says("#checks", "时钟：与服务器一致")
    await expect(page.get_by_role("button", name="选择 users/alice/b.txt")).to_be_visible()
    english = re.compile("|".join(map(re.escape, ("Drop", "Clock:", "Lease", "Choose", "Ends"))))
    assert english.search(await page.locator("body").inner_text()) is None
    # It stays when the page is loaded anew, with nothing stored.
    await page.get_by_role("button", name="退出").click()
    await expect(page.get_by_label("您的密钥")).to_be_focused()


async def test_a_browser_that_is_chinese_reads_chinese(desk: Desk, chromium: Chromium) -> None:
    context = await chromium.browser.new_context(locale="zh-CN")
    chinese = Desk(await context.new_page(), desk.stage)
    await chinese.open()
    assert await chinese.page.get_attribute("html", "lang") == "zh-CN"
    await context.close()


async def test_both_languages_say_the_same_things(desk: Desk) -> None:
    await desk.open()
    texts = await desk.page.evaluate("import('/texts.js').then(({ TEXTS }) => TEXTS)")
    english, chinese = texts["en"], texts["zh-CN"]
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert sorted(re.findall(r"\{.*?\}", text)) == sorted(re.findall(r"\{.*?\}", chinese[key]))
    folder = ROOT / "client/browser"
    code = "".join(it.read_text("utf-8") for it in folder.glob("*.js") if it.name != "texts.js")
    html = (folder / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-(?:text|label)="(.*?)"', html)) <= set(english)
    codes = {key for key in english if re.fullmatch(r"[A-Z]\w+|\d\w\w", key)}
    conditions = {key for key in english if key.startswith("if-")}
    checks = {"clock-open", "cors-open", "etag-open"}
    for key in set(english) - codes - conditions - checks:
        assert f'"{key}"' in code + html, key


async def test_who_wants_no_motion_sees_none(desk: Desk) -> None:
    await desk.page.emulate_media(reduced_motion="reduce")
    await desk.open()
    moving = "[...document.querySelectorAll('*')].filter(it => parseFloat(getComputedStyle(it).transitionDuration))"
    assert await desk.page.evaluate(f"{moving}.length") == 0
    await desk.page.emulate_media(reduced_motion="no-preference")
    assert await desk.page.evaluate(f"{moving}.length") > 0
