"""One browser and one sandbox for all tests in a browser; a page and a vending server for each."""

import inspect
import os
from collections.abc import Iterator

import pytest
from playwright.async_api import BrowserContext, Page

from sts_server.sandbox import Sandbox
from tests.browser.chromium import Chromium, installed, running
from tests.browser.house import MODULES, Stage, staged


@pytest.fixture(scope="session")
def cloud() -> Iterator[Sandbox]:
    with Sandbox(tls_port=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def chromium(cloud: Sandbox) -> Iterator[Chromium]:
    program = installed()
    if program is None or not MODULES.is_dir():
        what = "Chromium is" if program is None else "the packages for pages are"
        if os.environ.get("CI"):
            pytest.fail(f"{what} not installed, and CI must have it")
        pytest.skip(f"{what} not installed; `make test` installs it where it can")
    ports = {443: cloud.tls_endpoint.rpartition(":")[2], 80: cloud.endpoint.rpartition(":")[2]}
    rules = ", ".join(f"MAP *.aliyuncs.com:{port} 127.0.0.1:{to}" for port, to in ports.items())
    with running(program, rules) as browser:
        yield browser


@pytest.fixture
def context(chromium: Chromium) -> Iterator[BrowserContext]:
    made = chromium.run(chromium.browser.new_context(ignore_https_errors=True))
    yield made
    chromium.run(made.close())


@pytest.fixture
def page(chromium: Chromium, context: BrowserContext) -> Page:
    return chromium.run(context.new_page())


@pytest.fixture
def stage(cloud: Sandbox) -> Iterator[Stage]:
    with staged(cloud) as running_stage:
        yield running_stage


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine where the browser is driven."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = inspect.signature(pyfuncitem.obj).parameters
    browser = pyfuncitem.funcargs["chromium"]
    assert isinstance(browser, Chromium)
    browser.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in arguments}))
    return True
