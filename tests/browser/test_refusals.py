"""What a page is told when something is wrong: who refused, and what to do about it."""

import re
from typing import Any

import pytest
from playwright.async_api import Page

from sts_server.sandbox import Sandbox
from tests.browser.clients import FAILED, NAME, PUT, begin
from tests.browser.house import KEY, ORIGIN, OUR_RULE, RULE, Stage, open_page, staged

ASK = f"""async ({{ server, token, grant }}) => {{
  const {{ createLeases }} = await import('/leases.js')
  const leases = createLeases({{ server, token, grant, pause: () => Promise.resolve() }})
  return leases.get().then(lease => lease.accessKeyId, {FAILED})
}}"""
UPLOAD = f"oss.multipartUpload('{NAME}', new Blob([new Uint8Array(200_000)])).then(() => 'done', {FAILED})"
COMMAND = f"sts-server cors --origin {ORIGIN}"


async def ask(page: Page, server: str, token: str = KEY, grant: str = "uploads") -> dict[str, Any]:
    """Ask for a lease, to no avail."""
    await open_page(page)
    told = await page.evaluate(ASK, {"server": server, "token": token, "grant": grant})
    assert isinstance(told, dict), told
    assert told["name"] == "LeaseError"
    assert KEY not in told["message"]
    return told


@pytest.mark.parametrize(
    ("wish", "status", "code", "advice"),
    [
        ({"token": "osk_" + "x" * 43}, 401, "Unauthenticated", "sign in again"),
        ({"grant": "none"}, 403, "GrantDenied", "ask its operator"),
        ({"grant": ".."}, 404, "Refused", "check the address"),
    ],
)
async def test_the_server_refuses(
    page: Page, stage: Stage, wish: dict[str, str], status: int, code: str, advice: str
) -> None:
    told = await ask(page, stage.url, **wish)
    assert (told["status"], told["code"]) == (status, code)
    assert advice in told["message"]


async def test_the_server_was_asked_too_often(page: Page, cloud: Sandbox) -> None:
    with staged(cloud, asks=1) as stage:
        await begin(page, stage)
        told = await ask(page, stage.url)
    assert (told["status"], told["code"]) == (429, "TooManyRequests")
    assert "try again later" in told["message"]


async def test_sts_is_away(page: Page, stage: Stage) -> None:
    stage.sandbox.fault(service="sts", operation="AssumeRole", cut="before")
    told = await ask(page, stage.url)
    assert (told["status"], told["code"]) == (503, "UpstreamUnavailable")


async def test_the_server_is_down(page: Page) -> None:
    told = await ask(page, "http://127.0.0.1:9")
    assert (told["status"], told["code"]) == (0, "Unreachable")
    assert "check network, address" in told["message"]


async def test_the_server_does_not_know_the_page(page: Page, stage: Stage) -> None:
    """A page is not told why; so it says all that it can be."""
    await open_page(page, origin="https://else.example")
    told = await page.evaluate(ASK, {"server": stage.url, "token": KEY, "grant": "uploads"})
    assert told["code"] == "Unreachable"
    assert "allow_origins" in told["message"]


@pytest.mark.parametrize("rule", [None, RULE])
async def test_the_bucket_does_not_know_the_page(
    page: Page, stage: Stage, rule: str | None
) -> None:
    stage.cors(rule)
    await begin(page, stage)
    for call in (PUT, UPLOAD):
        told = await page.evaluate(call)
        assert (told["status"], told["code"]) == (-1, "OssUnreachable")
        assert COMMAND in told["message"]


async def test_the_bucket_hides_etags(page: Page, stage: Stage) -> None:
    """One object can be read and written all the same; no upload in parts can end without them."""
    stage.cors(re.sub(r"\s*<ExposeHeader>ETag</ExposeHeader>", "", OUR_RULE))
    await begin(page, stage)
    assert await page.evaluate(f"putNew(oss, '{NAME}', new Blob(['a']))") == {
        "status": 200,
        "etag": None,
    }
    got = await page.evaluate(
        f"getIf(oss, '{NAME}').then(({{ status, etag }}) => ({{ status, etag }}))"
    )
    assert got == {"status": 200, "etag": None}
    told = await page.evaluate(UPLOAD)
    assert told["code"] == "EtagHidden"
    assert COMMAND in told["message"]
