"""What pages talk to: a sandbox behind Alibaba Cloud's own names, and a vending server whose clock can be moved."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oss2
import uvicorn
from playwright.async_api import Page, Route

from sts_server.app import App
from sts_server.callers.api_keys import digest
from sts_server.config import parse
from sts_server.sandbox import Sandbox
from sts_server.serving import open_listener, server_config

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = HERE / "node/node_modules"
ORIGIN = "https://localhost"
KEY = "osk_" + "a" * 43
LIFE = 3600
RULE = (ROOT / "deploy/ram/bucket-cors.xml").read_text("utf-8")
OUR_RULE = RULE.replace("https://app.example.com", ORIGIN)

CONFIG = """
[server]
allow_origins = ["{origin}"]
requests_per_caller = {asks}
[oss]
bucket = "{sandbox.bucket}"
region = "{sandbox.region}"
[sts]
role_arn = "{sandbox.role_arn}"
endpoint = "{sandbox.sts_endpoint}"
[[callers.api_key]]
id = "alice"
sha256 = ["{digest}"]
[[grants]]
name = "uploads"
prefix = "users/{{caller}}/"
actions = ["get", "put", "list"]
who = {{ callers = ["alice"] }}
[[grants]]
name = "example"
prefix = "exampledir/"
actions = ["get", "put"]
who = {{ callers = ["alice"] }}
"""

BLANK = '<!doctype html><html lang="en"><title>Blank</title>'


@dataclass
class Stage:
    """A sandbox and a vending server, and how far their time has been moved.

    Attributes:
        audit: the server's decisions.
        url: the server's address.
    """

    sandbox: Sandbox
    ahead: float = 0
    audit: list[Any] = field(default_factory=list)
    url: str = ""

    def clock(self) -> float:
        """Tell the server's time."""
        return time.time() + self.ahead

    def later(self, seconds: float) -> None:
        """Let time pass for keys and for the server: they end, and others are vended."""
        self.ahead += seconds
        self.sandbox.advance(seconds)

    def vended(self) -> list[str]:
        """Tell which keys were vended, once for each answer."""
        return [line["access_key_id"] for line in self.audit if "access_key_id" in line]

    def sent(self) -> list[dict[str, Any]]:
        """Tell what came to OSS that was no preflight."""
        seen = self.sandbox.requests()
        return [one for one in seen if one["service"] == "oss" and one["method"] != "OPTIONS"]

    def cors(self, rule: str | None) -> None:
        """Give the bucket this CORS configuration, or none."""
        session = oss2.Session()
        auth = oss2.AuthV4(self.sandbox.access_key_id, self.sandbox.access_key_secret)
        region = self.sandbox.region
        bucket = oss2.Bucket(
            auth, self.sandbox.endpoint, self.sandbox.bucket, session=session, region=region
        )
        if rule is None:
            bucket.delete_bucket_cors()
        else:
            bucket.put_bucket_cors(rule)
        session.session.close()


@contextmanager
def staged(sandbox: Sandbox, asks: int = 600, more: str = "") -> Iterator[Stage]:
    """Empty the sandbox, let the page in, and serve until the block ends.

    Args:
        sandbox: its STS and OSS.
        asks: how often a caller may ask in a minute.
        more: lines of the `[server]` table.
    """
    sandbox.reset()
    stage = Stage(sandbox)
    stage.cors(OUR_RULE)
    sandbox.clear_requests()
    text = CONFIG.format(sandbox=sandbox, origin=ORIGIN, asks=asks, digest=digest(KEY))
    text = text.replace("[server]", f"[server]\n{more}", 1)
    own_key = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.access_key_secret,
    }
    application = App(parse(text, own_key), audit=stage.audit.append, clock=stage.clock)
    listener = open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    stage.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield stage
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


async def open_page(
    page: Page, sdk: str = "ali-oss", html: str = BLANK, origin: str = ORIGIN
) -> None:
    """Open a page that exists in the browser only, with an SDK and our modules beside it.

    Args:
        page: where.
        sdk: which of the installed versions `/sdk.js` is.
        html: what stands in it.
        origin: whose page it is.
    """

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(origin)
        if path == "/":
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif path == "/sdk.js":
            await route.fulfill(path=MODULES / sdk / "dist/aliyun-oss-sdk.min.js")
        elif path == "/favicon.ico":
            await route.fulfill(status=204)
        else:
            await route.fulfill(path=ROOT / "client/browser" / path.removeprefix("/"))

    await page.route(f"{origin}/**", answer)
    await page.goto(f"{origin}/")
