"""Somebody at the server's page: opens it, signs in, and does by clicks and keys what people do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import oss2
from playwright.async_api import Page, expect

from deploy.up import script
from sts_server.sandbox import Sandbox
from tests.browser.house import HERE, KEY, MODULES, RULE, Stage, staged

OUTPUT = HERE / "output"
SDK = MODULES / "ali-oss/dist/aliyun-oss-sdk.min.js"

# Whatever the page's policy forbids is kept, from the first script on.
WATCH = """
window.violations = []
addEventListener('securitypolicyviolation', event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))
"""


@contextmanager
def with_page(cloud: Sandbox, asks: int = 600, more: str = "", sdk: Path = SDK) -> Iterator[Stage]:
    """Serve a page, with a bucket that lets it in, until the block ends.

    Args:
        cloud: where the bucket is.
        asks: how often a caller may ask in a minute.
        more: lines of the `[server]` table.
        sdk: the ali-oss that the page loads.
    """
    # ali-oss comes from a real host: what Playwright answers itself would have it answer every
    # preflight of the page, too.
    with (
        script(sdk) as named,
        staged(cloud, asks, f"page = true\n{named}\n{more}") as stage,
    ):
        stage.cors(rule(stage))
        stage.sandbox.clear_requests()
        yield stage


def rule(stage: Stage) -> str:
    """Give the rule that the page needs: the one in deploy/ram, for its origin."""
    return RULE.replace("https://app.example.com", stage.url)


@contextmanager
def owner(stage: Stage) -> Iterator[oss2.Bucket]:
    """Give the bucket as its owner has it."""
    cloud = stage.sandbox
    session = oss2.Session()
    auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
    yield oss2.Bucket(auth, cloud.endpoint, cloud.bucket, session=session, region=cloud.region)
    session.session.close()


def fill(stage: Stage, objects: dict[str, bytes]) -> None:
    """Put objects into the bucket."""
    with owner(stage) as bucket:
        for name, content in objects.items():
            bucket.put_object(name, content)


def unfinished(stage: Stage) -> list[str]:
    """Give the names of uploads in parts that have not ended."""
    with owner(stage) as bucket:
        return [upload.key for upload in oss2.MultipartUploadIterator(bucket)]


@dataclass
class Desk:
    """One browser's page, opened at a stage.

    Attributes:
        errors: what no script of the page caught.
    """

    page: Page
    stage: Stage
    errors: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Open the page."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        await self.page.add_init_script(WATCH)
        await self.page.goto(f"{self.stage.url}/")

    async def sign_in(self, key: str = KEY) -> None:
        """Type a key and press Enter."""
        await self.page.get_by_label("Your key").fill(key)
        await self.page.keyboard.press("Enter")

    async def choose(self, grant: str = "uploads") -> None:
        """Choose a grant and wait until all is checked."""
        await self.page.get_by_role("radio", name=grant).check()
        await expect(self.page.locator("#check-again")).to_be_enabled()

    async def begin(self, grant: str = "uploads") -> None:
        """Do all of the above."""
        await self.open()
        await self.sign_in()
        await self.choose(grant)

    async def upload(self, name: str, content: bytes) -> None:
        """Choose a file and send it; the answer stands in `#upload-said`."""
        file = {"name": name, "mimeType": "text/html", "buffer": content}
        await self.page.set_input_files("#file", file)  # type: ignore[arg-type]
        await self.page.locator("#upload").get_by_role("button", name="Upload").click()

    async def download(self) -> bytes:
        """Press Download, and give the file that comes."""
        async with self.page.expect_download() as coming:
            await self.press_download()
        path = await (await coming.value).path()
        return path.read_bytes()

    async def press_download(self) -> None:
        """Press Download; the answer stands in `#download-said`."""
        await self.page.locator("#download").get_by_role("button", name="Download").click()

    async def says(self, where: str, *texts: str) -> None:
        """Wait until an element says all of these."""
        for text in texts:
            await expect(self.page.locator(where)).to_contain_text(text)

    async def quiet(self) -> None:
        """Hold that nothing was forbidden by the page's policy, and nothing left uncaught."""
        seen = await self.page.evaluate("violations")
        assert seen == [], seen
        assert self.errors == []

    async def picture(self, name: str) -> None:
        """Keep what the whole page looks like."""
        OUTPUT.mkdir(exist_ok=True)
        await self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)
