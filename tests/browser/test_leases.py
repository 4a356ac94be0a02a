"""Clients of `createOss` in Chromium, while leases end, clocks are wrong and OSS refuses; ali-oss alone beside them."""

import asyncio
import hashlib
import time
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.clients import (
    ALONE,
    NAME,
    OURS,
    PUT,
    SDKS,
    TWENTY,
    begin,
    keys,
    later,
    later_for_all,
)
from tests.browser.house import LIFE, Stage

MEBI = 1024 * 1024


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_upload_of_20_mb_outlives_its_lease(page: Page, stage: Stage, sdk: str) -> None:
    """Between two parts the lease's last minutes begin; some parts later it is over."""
    await begin(page, stage, sdk=sdk)
    moments = {5: LIFE - 200, 12: 300}

    async def done(number: int) -> None:
        if number in moments:
            await later(page, stage, moments[number])

    await page.expose_function("done", done)
    digest = await page.evaluate(
        """async ({ name, size }) => {
          const bytes = new Uint8Array(size).map((_, index) => index % 251)
          const progress = async (_, checkpoint) => checkpoint && await done(checkpoint.doneParts.length)
          await oss.multipartUpload(name, new Blob([bytes]), { partSize: 2 ** 20, parallel: 3, progress })
          const digest = await crypto.subtle.digest('SHA-256', (await oss.get(name)).content)
          return Array.from(new Uint8Array(digest))
        }""",
        {"name": NAME, "size": 20 * MEBI},
    )
    content = (bytes(range(251)) * MEBI)[: 20 * MEBI]
    assert bytes(digest) == hashlib.sha256(content).digest()
    sent = stage.sent()
    assert {one["status"] for one in sent} == {200}
    parts = [one for one in sent if one["operation"] == "UploadPart"]
    assert len(parts) == 20
    assert keys(parts) == keys(sent) == stage.vended()
    assert len(stage.vended()) == 2


@pytest.mark.parametrize("sdk", SDKS)
async def test_20_downloads_at_the_moment_of_expiry(page: Page, stage: Stage, sdk: str) -> None:
    await begin(page, stage, sdk=sdk)
    assert await page.evaluate(PUT) == 200
    await later(page, stage, LIFE + 1)
    stage.sandbox.clear_requests()
    assert await page.evaluate(TWENTY) == ["hello"] * 20
    sent = stage.sent()
    assert len(sent) == 20
    assert keys(sent) == stage.vended()[1:]
    assert len(stage.vended()) == 2


@pytest.mark.parametrize("sdk", SDKS)
async def test_ali_oss_alone_sends_dead_keys(page: Page, stage: Stage, sdk: str) -> None:
    await begin(page, stage, ALONE, sdk)
    assert await page.evaluate(PUT) == 200
    await later_for_all(page, stage)
    stage.sandbox.clear_requests()
    told = await page.evaluate(TWENTY)
    assert sorted(told) == ["SecurityTokenExpired"] * 19 + ["hello"]
    assert set(keys(stage.sent())) == set(stage.vended())


@pytest.mark.parametrize("sdk", SDKS)
async def test_ali_oss_alone_falls_silent_after_one_failure(
    page: Page, stage: Stage, sdk: str
) -> None:
    await begin(page, stage, ALONE, sdk)
    assert await page.evaluate(PUT) == 200
    await later_for_all(page, stage)
    await page.route(f"{stage.url}/**", lambda route: route.abort(), times=1)
    assert (await page.evaluate(PUT))["message"] == "Failed to fetch"
    assert (await page.evaluate(PUT))["code"] == "SecurityTokenExpired"
    assert len(stage.vended()) == 1


async def test_a_failure_is_over_when_it_is_over(page: Page, stage: Stage) -> None:
    await begin(page, stage)
    await later(page, stage, LIFE + 1)
    stage.sandbox.clear_requests()
    await page.route(f"{stage.url}/**", lambda route: route.abort(), times=3)
    assert (await page.evaluate(PUT))["code"] == "Unreachable"
    assert stage.sent() == []
    assert await page.evaluate(PUT) == 200


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_2_hours_off(page: Page, stage: Stage, hours: int) -> None:
    """OSS sees no wrong time, not even once; ali-oss alone would be refused first."""
    await page.clock.set_system_time(time.time() + hours * 3600)
    await begin(page, stage)
    assert await page.evaluate("Math.round(leases.held().offset / 36e5)") == -hours
    assert await page.evaluate(PUT) == 200
    await begin(page, stage, ALONE)
    assert await page.evaluate(PUT) == 200
    assert [one["code"] for one in stage.sent()] == ["", "RequestTimeTooSkewed", ""]


@pytest.mark.parametrize("sdk", SDKS)
async def test_the_loop_of_a_clock_that_cannot_be_right(page: Page, stage: Stage, sdk: str) -> None:
    """ali-oss alone asks for as long as OSS answers that; ours asks twice."""
    refusing: Any = {"operation": "PutObject", "status": 403, "code": "RequestTimeTooSkewed"}
    await begin(page, stage, ALONE, sdk)
    fault = stage.sandbox.fault(**refusing)
    async with page.expect_event("response", lambda _: len(stage.sent()) >= 10):
        alone = asyncio.ensure_future(page.evaluate(PUT))
    stage.sandbox.clear_faults(fault)
    assert await alone == 200
    await begin(page, stage, OURS, sdk)
    stage.sandbox.clear_requests()
    stage.sandbox.fault(**refusing)
    assert (await page.evaluate(PUT))["code"] == "ClockSkewed"
    assert len(stage.sent()) == 2


@pytest.mark.parametrize("code", ["expire", "revoke"])
async def test_a_key_that_oss_takes_back_is_replaced_once(
    page: Page, stage: Stage, code: str
) -> None:
    """The server is told which key it was, else it would hand out the same one again."""
    await begin(page, stage)
    old = await page.evaluate("leases.held().accessKeyId")
    (stage.sandbox.expire if code == "expire" else stage.sandbox.revoke)(old)
    assert await page.evaluate(PUT) == 200
    first, second = stage.sent()
    assert first["access_key_id"] == old
    assert first["code"] in {"SecurityTokenExpired", "InvalidAccessKeyId"}
    assert second["access_key_id"] == stage.vended()[-1] != old


async def test_what_is_refused_for_good_is_refused(page: Page, stage: Stage) -> None:
    await begin(page, stage)
    stage.sandbox.fault(operation="PutObject", status=403, code="InvalidAccessKeyId")
    assert (await page.evaluate(PUT))["code"] == "InvalidAccessKeyId"
    assert len(stage.sent()) == 2


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_retry_of_ali_oss_has_a_living_key(page: Page, stage: Stage, sdk: str) -> None:
    """Its own retries, after a broken connection, do not go back to the key of the first attempt."""
    await begin(page, stage, sdk=sdk)
    await page.evaluate(
        "createOss(OSS, leases, { retryMax: 2 }).then(made => { window.oss = made })"
    )
    stage.sandbox.fault(operation="PutObject", nth=1, cut="before")

    async def broken() -> None:
        await later(page, stage, LIFE + 1)

    await page.expose_function("broken", broken)
    await page.evaluate("oss.options.requestErrorRetryHandle = () => broken() && true")
    assert await page.evaluate(PUT) == 200
    assert {one["code"] for one in stage.sent()} == {""}


async def test_urls_are_signed_with_a_living_key(page: Page, stage: Stage) -> None:
    await begin(page, stage)
    assert await page.evaluate(PUT) == 200
    for sign in (f"asyncSignatureUrl('{NAME}')", f"signatureUrlV4('GET', 60, {{}}, '{NAME}')"):
        await later(page, stage, LIFE + 1)
        url = f"oss.{sign}.then(url => fetch(url)).then(answer => answer.text())"
        assert await page.evaluate(url) == "hello"
    assert len(stage.vended()) == 3
