"""`getIf` and `putNew`: what is no error is a result."""

import re

import pytest
from playwright.async_api import Page

from tests.browser.clients import FAILED, NAME, SDKS, begin
from tests.browser.house import Stage

HELLO = '"5D41402ABC4B2A76B9719D911017C592"'
GOT = f"""async (conditions) => {{
  const got = await getIf(oss, '{NAME}', conditions).catch({FAILED})
  return got.content ? {{ ...got, content: String(got.content) }} : got
}}"""
PUT_NEW = f"putNew(oss, '{NAME}', new Blob(['hello']))"


@pytest.mark.parametrize("sdk", SDKS)
async def test_conditions(page: Page, stage: Stage, sdk: str) -> None:
    await begin(page, stage, sdk=sdk)
    assert await page.evaluate(PUT_NEW) == {"status": 200, "etag": HELLO}
    assert await page.evaluate(PUT_NEW) == {"status": 409}
    found = await page.evaluate(GOT, {})
    modified = found["lastModified"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", modified)
    assert found == {"status": 200, "content": "hello", "etag": HELLO, "lastModified": modified}
    for conditions, status in (
        ({"ifNoneMatch": HELLO}, 304),
        ({"ifNoneMatch": '"0"'}, 200),
        ({"ifMatch": HELLO}, 200),
        ({"ifMatch": '"0"'}, 412),
        ({"ifModifiedSince": modified}, 304),
        ({"ifModifiedSince": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        ({"ifUnmodifiedSince": modified}, 200),
        ({"ifUnmodifiedSince": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
        ({"ifMatch": HELLO, "ifNoneMatch": HELLO}, 304),
        ({"ifMatch": None, "ifNoneMatch": None}, 200),
    ):
        assert (await page.evaluate(GOT, conditions))["status"] == status, conditions
    dates = f"getIf(oss, '{NAME}', {{ ifUnmodifiedSince: new Date(0) }})"
    assert await page.evaluate(dates) == {"status": 412}


async def test_what_is_no_condition_is_said_before_anything_is_sent(
    page: Page, stage: Stage
) -> None:
    await begin(page, stage)
    for conditions in ({"if-match": HELLO}, {"ifmatch": HELLO}, {"ifRange": HELLO}):
        told = await page.evaluate(GOT, conditions)
        assert (told["name"], told["code"]) == ("LeaseError", "InvalidArgument")
    assert stage.sent() == []


async def test_all_else_stays_an_error(page: Page, stage: Stage) -> None:
    await begin(page, stage)
    assert (await page.evaluate(GOT, {}))["code"] == "NoSuchKey"
    outside = f"putNew(oss, 'users/bob/a', new Blob(['a'])).catch({FAILED})"
    assert (await page.evaluate(outside))["code"] == "AccessDenied"
    assert (
        await page.evaluate("putNew(oss, 'users/alice/b', 7).catch(error => error.name)")
        == "TypeError"
    )
