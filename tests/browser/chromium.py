"""Chromium, one for all tests: in a thread of its own, since Playwright's loop must not be the tests'."""

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Our pages exist in the browser only: it takes them for public ones, which may not ask 127.0.0.1.
    "--disable-features=LocalNetworkAccessChecks",
]

T = TypeVar("T")


def installed() -> str | None:
    """Find the program."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A running browser.

    Args:
        loop: runs in a thread of its own.
    """

    browser: Browser

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something with it, and wait for the end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def running(program: str, rules: str) -> Iterator[Chromium]:
    """Run the browser until the block ends.

    Args:
        program: its path.
        rules: where hosts lead to (`--host-resolver-rules`).
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    chromium = Chromium(loop)

    async def start() -> Any:
        driver = await async_playwright().start()
        flags = [*FLAGS, f"--host-resolver-rules={rules}"]
        chromium.browser = await driver.chromium.launch(executable_path=program, args=flags)
        return driver

    try:
        driver = chromium.run(start())
        try:
            yield chromium
        finally:
            chromium.run(chromium.browser.close())
            chromium.run(driver.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
