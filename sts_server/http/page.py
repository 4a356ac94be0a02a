"""The page: a fixed table of files, read once from one folder, behind a policy of their own."""

import hashlib
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sts_server.errors import ConfigError
from sts_server.settings.oss import OssTable
from sts_server.settings.server import ServerTable

_SCRIPT = "text/javascript; charset=utf-8"
FILES: Final = {
    "index.html": ("/", "text/html; charset=utf-8"),
    "page.css": ("/page.css", "text/css; charset=utf-8"),
    "icon.svg": ("/icon.svg", "image/svg+xml"),
    "page.js": ("/page.js", _SCRIPT),
    "work.js": ("/work.js", _SCRIPT),
    "checks.js": ("/checks.js", _SCRIPT),
    "journal.js": ("/journal.js", _SCRIPT),
    "speech.js": ("/speech.js", _SCRIPT),
    "texts.js": ("/texts.js", _SCRIPT),
    "leases.js": ("/leases.js", _SCRIPT),
    "errors.js": ("/errors.js", _SCRIPT),
    "freshness.js": ("/freshness.js", _SCRIPT),
    "oss.js": ("/oss.js", _SCRIPT),
}
"""Each file of the page, with its path and what it is. There are no others."""

_SDK: Final = b"<!-- ali-oss -->"


def page(server: ServerTable, oss: OssTable) -> list[Route]:
    """Lay out the page's paths, if there is a page.

    Raises:
        ConfigError: a file of it cannot be read.
    """
    if server.page is False:
        return []
    folder = shipped() if server.page is True else Path(server.page)
    policy = content_security_policy(server, oss)
    routes = []
    for name, (path, media_type) in FILES.items():
        body = _read(folder, name)
        if name == "index.html":
            body = body.replace(_SDK, _script(server).encode(), 1)
        routes.append(_route(path, body, media_type, policy))
    return routes


def shipped() -> Traversable:
    """Give the folder of the page that came with this program."""
    installed = files("sts_server") / "browser"
    # Where it was not installed but checked out, the folder is beside the package.
    return installed if installed.is_dir() else files("sts_server") / ".." / "client" / "browser"


def content_security_policy(server: ServerTable, oss: OssTable) -> str:
    """Say what the page may do: run its own scripts and ali-oss, talk to us and to the bucket."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {server.page_sdk}",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src 'self' {_bucket(oss)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _bucket(oss: OssTable) -> str:
    """Name the one origin that the bucket is reached at."""
    parts = urlsplit(oss.endpoint)
    host = f"{oss.bucket}.{parts.netloc}" if oss.style == "virtual" else parts.netloc
    return f"{parts.scheme}://{host}"


def _script(server: ServerTable) -> str:
    """Write the element that loads ali-oss. A digest can be held against what a script may read."""
    pinned = server.page_sdk_integrity
    attributes = f' integrity="{escape(pinned)}" crossorigin="anonymous"' if pinned else ""
    return f'<script src="{escape(server.page_sdk or "")}"{attributes} defer></script>'


def _read(folder: Traversable, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ConfigError([f"server.page: {name} cannot be read: {error.strerror}"]) from None


def _route(path: str, body: bytes, media_type: str, policy: str) -> Route:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        # Kept, but asked about each time: a page and its scripts are of one version.
        "Cache-Control": "no-cache",
        "ETag": tag,
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    async def show(request: Request) -> Response:
        if tag in _tags(request):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media_type)

    return Route(path, show, methods=["GET"])


def _tags(request: Request) -> Iterator[str]:
    """Give the tags that a browser has. A proxy that compresses makes them weak."""
    for value in request.headers.getlist("if-none-match"):
        yield from (tag.strip().removeprefix("W/") for tag in value.split(","))
