"""What must not happen on the page: a secret that is shown or kept, a name that becomes HTML."""

import json
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, Route, expect

from sts_server.sandbox import Sandbox
from tests.browser.desk import Desk, fill, with_page
from tests.browser.house import KEY, Stage

CONTENT = b"examplecontent"

HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    '"><script>window.hacked=1</script>',
    "javascript:window.hacked=1",
    "' onmouseover='window.hacked=1",
    "{moment} $& __proto__",
    "中文 \U0001f600",
    "..%2f%3Cb%3E?x=1#y",
]


@pytest.fixture
def stage(cloud: Sandbox) -> Iterator[Stage]:
    with with_page(cloud) as running:
        yield running


@pytest.fixture
def desk(page: Page, stage: Stage) -> Desk:
    return Desk(page, stage)


async def test_nothing_is_kept_and_no_secret_is_shown(desk: Desk) -> None:
    page = desk.page
    answers: list[str] = []
    await page.route(
        "**/v1/credentials/**",
        lambda route: _passed_on(route, answers),
    )
    await desk.begin()
    await desk.upload("a.txt", CONTENT)
    await desk.says("#upload-said", "200")
    lease = json.loads(answers[0])
    shown = await page.content()
    values = await page.evaluate("[...document.querySelectorAll('input')].map(it => it.value)")
    for secret in (KEY, lease["AccessKeySecret"], lease["SecurityToken"]):
        assert secret not in shown
        assert secret not in " ".join(values)
    assert await page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert await page.evaluate("document.cookie") == ""
    assert await page.context.cookies() == []
    assert KEY not in page.url


async def _passed_on(route: Route, answers: list[str]) -> None:
    answer = await route.fetch()
    answers.append(await answer.text())
    await route.fulfill(response=answer)


async def test_names_are_text_and_never_html(desk: Desk) -> None:
    fill(desk.stage, {f"users/alice/{name}": CONTENT for name in HOSTILE})
    await desk.begin()
    rows = desk.page.locator("#rows th")
    await expect(rows).to_have_count(len(HOSTILE))
    assert sorted(await rows.all_text_contents()) == sorted(f"users/alice/{it}" for it in HOSTILE)
    for row in await desk.page.locator("#rows button").all():
        await row.click()
        assert await desk.download() == CONTENT
    await desk.upload(HOSTILE[0], CONTENT)
    await desk.says("#upload-said", "200")
    await desk.says("#log", f"PUT users/alice/{HOSTILE[0]}")
    assert await desk.page.evaluate("window.hacked") is None
    assert await desk.page.locator("img, script:not([src]), iframe").count() == 0
    await desk.picture("hostile-names")
    await desk.quiet()


async def test_a_name_does_not_read_as_another_one(desk: Desk) -> None:
    fill(desk.stage, {"users/alice/\u202egpj.exe": CONTENT})
    await desk.begin()
    shown = "users/alice/\\u202egpj.exe"
    await expect(desk.page.locator("#rows th")).to_have_text(shown)
    await desk.page.get_by_role("button", name=f"Choose {shown}").click()
    assert await desk.download() == CONTENT
    await desk.says("#log", f"GET {shown}")


async def test_what_a_server_says_is_text_and_never_html(desk: Desk) -> None:
    html = HOSTILE[0]
    body = {
        "Grants": [{"Name": html, "Prefix": html, "Actions": [html]}],
        "Refused": [{"Name": html, "Code": html, "Message": html}],
    }
    await desk.page.route("**/v1/grants", lambda route: route.fulfill(json=body))
    await desk.page.route(
        "**/v1/credentials/**",
        lambda route: route.fulfill(status=403, json={"Code": html, "Message": html}),
    )
    await desk.open()
    await desk.sign_in()
    await desk.says("#grants", html)
    await desk.says("#refused", html)
    await desk.page.get_by_role("radio").check()
    await desk.says("#alarm", "This grant is not yours")
    await desk.says("#log", "403")
    assert html not in (await desk.page.locator("#log li").first.text_content() or html)
    assert await desk.page.locator("img").count() == 0
    assert await desk.page.evaluate("window.hacked") is None
    await desk.quiet()
