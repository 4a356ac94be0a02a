"""`make up`: prints how to sign in, shows a page that works, and is gone after Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from deploy.up import SDK
from tests.browser.house import ROOT


@pytest.fixture
def up() -> Iterator[subprocess.Popen[str]]:
    if not SDK.is_file():
        pytest.skip("ali-oss is not here; `make node` installs it")
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.up"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


async def test_what_it_prints_is_enough_to_use_the_page(
    up: subprocess.Popen[str], page: Page
) -> None:
    assert up.stdout is not None
    told = "".join(iter(up.stdout.readline, "Ctrl-C ends it.\n"))
    found = re.search(r"Open     (http://127\.0\.0\.1:\d+/)\nSign in  (osk_\S+)\n", told)
    assert found, told
    await page.goto(found[1])
    await page.get_by_label("Your key").fill(found[2])
    await page.keyboard.press("Enter")
    await page.get_by_role("radio", name="uploads").check()
    await expect(page.locator("#checks")).to_contain_text("CORS: the bucket lets this page")
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    await page.set_input_files("#file", file)  # type: ignore[arg-type]
    await page.locator("#upload-go").click()
    await expect(page.locator("#upload-said")).to_contain_text("Stored, 5 bytes")
    # As a terminal does it: all of them at once.
    os.killpg(up.pid, signal.SIGINT)
    assert up.wait(20) == 130
    assert up.stderr is not None
    assert "Traceback" not in up.stderr.read()
