"""Reads 4 KiB, and a 304, again and again: processor time for each call, beside bare requests and the SDKs.

Run by hand: `.venv/bin/python -m tests.bench.small`, or `make bench`. Each contender is a process of its own; the
best of its rounds counts. nginx is the far end.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench import contenders
from tests.bench.far_end import BUCKET, KEY, far_end, missing

CALLS = 600
ROUNDS = 3
AT_MOST = 1.2

Calls = tuple[Callable[[], object], Callable[[str], object]]
"""Read the object; read it unless it has this entity tag."""


def requests(url: str) -> Calls:
    """Use requests as everybody does: one session."""
    import requests as library

    session = library.Session()
    address = f"{url}/{BUCKET}/{KEY}"
    return (
        lambda: session.get(address).content,
        lambda etag: session.get(address, headers={"If-None-Match": etag}).content,
    )


def ours(url: str) -> Calls:
    """Use this client."""
    bucket = contenders.ours(url)
    return lambda: bucket.get(KEY).read(), lambda etag: bucket.get(KEY, if_none_match=etag)


def oss2(url: str) -> Calls:
    """Use oss2, which raises for a 304."""
    import oss2 as sdk

    bucket = contenders.oss2(url)

    def unless(etag: str) -> None:
        with suppress(sdk.exceptions.NotModified):
            bucket.get_object(KEY, headers={"If-None-Match": etag})

    return lambda: bucket.get_object(KEY).read(), unless


def oss_v2(url: str) -> Calls:
    """Use alibabacloud-oss-v2, which raises for a 304."""
    import alibabacloud_oss_v2 as sdk

    client = contenders.oss_v2(url)

    def get(**conditions: Any) -> Any:
        return client.get_object(sdk.GetObjectRequest(bucket=BUCKET, key=KEY, **conditions))

    def unless(etag: str) -> None:
        with suppress(sdk.exceptions.OperationError):
            get(if_none_match=etag)

    return lambda: get().body.content, unless


CONTENDERS: dict[str, Callable[[str], Calls]] = {
    make.__name__: make for make in (requests, ours, oss2, oss_v2)
}


def cost(call: Callable[[], object]) -> float:
    """Give the microseconds of processor time that one call takes."""
    for _ in range(20):
        call()
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS * 1e6


def main() -> int:
    """Print the table; 1 if a ratio is over what was promised."""
    if why := missing():
        print(why)
        return 1
    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "body").write_bytes(os.urandom(4096))
        with far_end(folder / "nginx", folder / "body") as url:
            for _ in range(ROUNDS):
                for it in CONTENDERS:
                    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.small", it, url]
                    said = subprocess.run(command, capture_output=True, text=True, check=True)
                    whole, unless = (float(figure) for figure in said.stdout.split())
                    before = found.get(it, (whole, unless))
                    found[it] = (min(before[0], whole), min(before[1], unless))
    base = found["requests"]
    print("CPU us a call            4 KiB     ratio       304     ratio")
    for it, (whole, unless) in found.items():
        ratios = whole / base[0], unless / base[1]
        print(f"{it:18} {whole:11.0f} {ratios[0]:9.2f} {unless:9.0f} {ratios[1]:9.2f}")
    print(f"ours: at most {AT_MOST} x requests")
    return int(max(found["ours"][0] / base[0], found["ours"][1] / base[1]) > AT_MOST)


def measure(name: str, url: str) -> None:
    """Print what the two calls of one contender cost."""
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("HEAD", f"/{BUCKET}/{KEY}")
    etag = connection.getresponse().headers["ETag"]
    connection.close()
    whole, unless = CONTENDERS[name](url)
    print(cost(whole), cost(lambda: unless(etag)))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], sys.argv[2])
    else:
        sys.exit(main())
