"""Apps that use leases.js: README's snippets as they are, built by Vite and webpack, and run in Chromium."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, Route

from tests.browser.house import HERE, KEY, MODULES, ORIGIN, ROOT, Stage

FOLDER = ROOT / "client/browser"
README = (FOLDER / "README.md").read_text("utf-8")
LARGEST = 5000
SDK = "https://gosspublic.alicdn.com/aliyun-oss-sdk-6.16.0.min.js"

Make = Callable[[dict[str, str]], Path]


def snippet(kind: str) -> str:
    """Find the one block of README in a language."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    return str(found)


def node(*words: str | Path) -> str:
    """Run a program of Node; give what it said."""
    program = shutil.which("node")
    if program is None or not MODULES.is_dir():
        pytest.skip("Node or its packages are missing; `make test` says how to get them")
    done = subprocess.run(
        [program, *words], cwd=HERE / "node", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write an app: our folder is copied into it, as README says, and npm's packages are beside it."""
    root = tmp_path_factory.mktemp("app")
    shutil.copytree(FOLDER, root / "oss-sts")
    (root / "node_modules").mkdir()
    for package in (*MODULES.iterdir(), root / "oss-sts"):
        name = "oss-sts-leases" if package.name == "oss-sts" else package.name
        (root / "node_modules" / name).symlink_to(package)

    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (root / name).write_text(text)
        return root

    return make


PAGE = """<!doctype html><html lang="en"><title>App</title><div id="app"></div>
<script type="module" src="{}.js"></script>"""
PLAIN = """
import OSS from "ali-oss";
import { createLeases, createOss } from "oss-sts-leases";
const leases = createLeases({ server: SERVER, grant: "uploads", token: getToken });
const said = document.createElement("output");
const field = Object.assign(document.createElement("input"), { type: "file" });
document.body.append(field, said);
field.onchange = async () => {
  const oss = await createOss(OSS, leases);
  await oss.put("users/alice/a.txt", field.files[0]);
  said.textContent = "stored";
};
"""
REACT = """
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { Upload } from "./Upload.jsx";
const upload = createElement(Upload, { server: SERVER, getToken });
createRoot(document.getElementById("app")).render(upload);
"""
VUE = """
import { createApp } from "vue";
import Upload from "./Upload.vue";
createApp(Upload, { server: SERVER, getToken }).mount("#app");
"""
APPS = {
    **{f"{name}.html": PAGE.format(name) for name in ("plain", "react", "vue")},
    "plain.js": PLAIN,
    "react.js": REACT,
    "vue.js": VUE,
    "Upload.jsx": snippet("jsx"),
    "Upload.vue": snippet("vue"),
}
FILE: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}


async def show(page: Page, stage: Stage, folder: Path, name: str = "index.html") -> None:
    """Open a page in a folder as one of our origin; what its developer knows is there."""

    async def answer(route: Route) -> None:
        await route.fulfill(path=folder / route.request.url.removeprefix(f"{ORIGIN}/"))

    await page.route(f"{ORIGIN}/**", answer)
    await page.route(
        SDK, lambda route: route.fulfill(path=MODULES / "ali-oss-6.16.0/dist/aliyun-oss-sdk.min.js")
    )
    await page.add_init_script(
        f"Object.assign(window, {{ SERVER: '{stage.url}', getToken: async () => '{KEY}' }})"
    )
    await page.goto(f"{ORIGIN}/{name}")


def stored(stage: Stage) -> list[str]:
    return [one["path"] for one in stage.sent() if one["method"] == "PUT" and not one["code"]]


@pytest.fixture(scope="module")
def built(app: Make) -> Path:
    """All of them, built by Vite; the plain one by webpack, too."""
    folder = app(APPS)
    node("build.mjs", folder)
    return app({"dist/webpack.html": PAGE.format("webpack")}) / "dist"


@pytest.mark.parametrize("name", ["plain", "react", "vue", "webpack"])
async def test_an_app_uploads(page: Page, stage: Stage, built: Path, name: str) -> None:
    await show(page, stage, built, f"{name}.html")
    await page.set_input_files("input[type=file]", FILE)
    await page.wait_for_function("document.querySelector('output')?.textContent === 'stored'")
    assert stored(stage) == ["/users/alice/a.txt"]


async def test_the_ten_lines(page: Page, stage: Stage, app: Make) -> None:
    text = snippet("html").replace("https://sts.example.com", stage.url)
    await show(page, stage, app({"index.html": f"<!doctype html>{text}"}))
    await page.wait_for_load_state("networkidle")
    await page.set_input_files("#file", FILE)
    await page.wait_for_function("document.title === '100 %'")
    assert stored(stage) == ["/users/alice/a.txt"]
    script = text.partition('<script type="module">')[2].partition("</script>")[0]
    assert len(script.split("\n\n")[-1].split("\n")) + 1 <= 10


async def test_the_conditions(page: Page, stage: Stage, app: Make) -> None:
    text = f"""<!doctype html><script src="{SDK}"></script><script type="module">
    import {{ createLeases, createOss }} from "./oss-sts/leases.js";
    const leases = createLeases({{ server: SERVER, grant: "uploads", token: getToken }});
    const oss = await createOss(OSS, leases);
    await oss.put("users/alice/a.txt", new Blob(["a"]));
    await oss.put("users/alice/new.txt", new Blob(["a"]));
    window.said = [];
    console.log = (line) => said.push(line);
    {snippet("js")}</script>"""
    await show(page, stage, app({"index.html": text}))
    await page.wait_for_function("window.said?.length === 2")
    assert await page.evaluate("said") == ["use what you have", "there is one already"]


def test_the_types(app: Make) -> None:
    folder = app({"types.ts": (HERE / "node/types.ts").read_text("utf-8")})
    options: list[str | Path] = [
        "--strict",
        "--noEmit",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    more: list[str | Path] = [
        "--target",
        "es2022",
        "--lib",
        "es2022,dom",
        "--types",
        "ali-oss",
        "--typeRoots",
        MODULES / "@types",
    ]
    node(MODULES / "typescript/lib/tsc.js", *options, *more, folder / "types.ts")


def test_it_is_small(tmp_path: Path) -> None:
    """All that leases.js exports, as a bundler hands it to a browser."""
    made = tmp_path / "leases.js"
    words: list[str | Path] = [
        "--bundle",
        "--minify",
        "--format=esm",
        f"--outfile={made}",
        FOLDER / "leases.js",
    ]
    node(MODULES / "esbuild/bin/esbuild", *words)
    assert 1000 < len(gzip.compress(made.read_bytes())) < LARGEST


def test_it_depends_on_nothing() -> None:
    package = json.loads((FOLDER / "package.json").read_text("utf-8"))
    assert not [name for name in package if "ependencies" in name]
    for file in FOLDER.glob("*.js"):
        assert set(re.findall(r'from "(\W*)', file.read_text("utf-8"))) <= {"./"}, file.name
