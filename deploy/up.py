"""The page in a browser, to play with: a sandbox, a vending server with its page, a throwaway key.

Run it with `make up`; Ctrl-C ends it. As in the demo, all of it runs on this machine and is gone
afterwards.
"""

import base64
import hashlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import oss2

from deploy.demo import CONFIG, new_key, vending_server
from sts_server.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
SDK = ROOT / "tests/browser/node/node_modules/ali-oss/dist/aliyun-oss-sdk.min.js"
RULE = ROOT / "deploy/ram/bucket-cors.xml"
PORT = 8000  # of the page, if it is free


def main() -> int:
    """Serve until Ctrl-C."""
    if not SDK.is_file():
        sys.exit("up: ali-oss is not here; install Node 20 with npm, and say: make node")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as by Ctrl-C
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox, script(SDK) as sdk:
        folder, port = Path(name), free_port(PORT)
        key, caller = new_key("alice")
        config = CONFIG.format(folder=folder, sandbox=sandbox) + caller
        for old, new in (
            ("127.0.0.1:0", f"127.0.0.1:{port}"),
            ("[server]", f"[server]\npage = true\n{sdk}"),
            # ali-oss in a browser reaches a bucket by name only.
            (sandbox.endpoint, sandbox.browser_endpoint),
        ):
            config = config.replace(old, new, 1)
        (folder / "sts-server.toml").write_text(config)
        allow(sandbox, f"http://127.0.0.1:{port}")
        with vending_server(folder / "sts-server.toml", sandbox) as url:
            print(f"\nOpen     {url}/\nSign in  {key}\n\nCtrl-C ends it.", flush=True)
            threading.Event().wait()
    return 0


@contextmanager
def script(path: Path) -> Iterator[str]:
    """Serve one script as a host of scripts does; give the settings that name it."""
    handler = partial(Shelf, directory=str(path.parent))
    digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield (
                f'page_sdk = "http://127.0.0.1:{server.server_port}/{path.name}"\n'
                f'page_sdk_integrity = "sha384-{digest}"'
            )
        finally:
            server.shutdown()


class Shelf(SimpleHTTPRequestHandler):
    """A folder whose scripts every page may read, so that it can hold them against a digest."""

    def end_headers(self) -> None:
        """End the head of an answer."""
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def allow(sandbox: Sandbox, origin: str) -> None:
    """Let a page into the bucket: what its owner does once, by console or command line."""
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    bucket = oss2.Bucket(auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region)
    bucket.put_bucket_cors(RULE.read_text("utf-8").replace("https://app.example.com", origin))


def free_port(wished: int) -> int:
    """Give a port that nobody listens on: the bucket's rule names it before the server does."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", wished))
        except OSError:
            found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # The sandbox and the server have ended; what Python still says about threads is noise.
        os._exit(130)
