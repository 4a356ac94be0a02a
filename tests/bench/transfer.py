"""Moves 1 GiB down and up, verified, with this client, the official SDKs and curl; nginx is the far end.

Run by hand: `.venv/bin/python -m tests.bench.transfer [MiB]`, or `make bench`. Each contender is a process
of its own, in turn and again; wall is the best of its rounds, CPU and peak memory are that round's.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import contenders
from tests.bench.far_end import BUCKET, KEY, far_end, missing

ROUNDS = 3
MIB = 1 << 20


def ours_down(url: str, path: Path) -> None:
    """Download as a user of this client does."""
    with contenders.ours(url) as bucket:
        bucket.download(KEY, path)


def ours_up(url: str, path: Path) -> None:
    """Upload as a user of this client does."""
    with contenders.ours(url) as bucket:
        bucket.upload(path, KEY)


def oss2_down(url: str, path: Path) -> None:
    """Download in one piece: the way of oss2 that verifies."""
    contenders.oss2(url).get_object_to_file(KEY, str(path))


def oss2_up(url: str, path: Path) -> None:
    """Upload in parts."""
    import oss2

    oss2.resumable_upload(contenders.oss2(url), KEY, str(path), num_threads=4, part_size=16 * MIB)


def oss_v2_down(url: str, path: Path) -> None:
    """Download with the Downloader, whose usual settings stay."""
    import alibabacloud_oss_v2 as oss

    client = contenders.oss_v2(url)
    client.downloader().download_file(oss.GetObjectRequest(bucket=BUCKET, key=KEY), str(path))


def oss_v2_up(url: str, path: Path) -> None:
    """Upload with the Uploader."""
    import alibabacloud_oss_v2 as oss

    client = contenders.oss_v2(url)
    client.uploader().upload_file(oss.PutObjectRequest(bucket=BUCKET, key=KEY), str(path))


def curl_down(url: str, path: Path) -> None:
    """Download with curl, which verifies nothing."""
    os.execvp("curl", ["curl", "-s", "-o", str(path), f"{url}/{BUCKET}/{KEY}"])  # noqa: S606, S607 - as a user would


def curl_up(url: str, path: Path) -> None:
    """Upload with curl, which verifies nothing."""
    os.execvp("curl", ["curl", "-s", "-o", "/dev/null", "-T", str(path), f"{url}/{BUCKET}/{KEY}"])  # noqa: S606, S607 - the same


CONTENDERS: dict[str, Callable[[str, Path], None]] = {
    work.__name__: work
    for work in (
        ours_down,
        oss_v2_down,
        oss2_down,
        curl_down,
        ours_up,
        oss_v2_up,
        oss2_up,
        curl_up,
    )
}


@dataclass(frozen=True)
class Cost:
    """What one round took: seconds, seconds of both processors, bytes of memory at its peak."""

    wall: float
    cpu: float
    peak: int


def measure(name: str, url: str, path: Path) -> Cost:
    """Run one contender in a process of its own."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.transfer", name, url, path]
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{name} failed")
    wall = time.perf_counter() - started
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def main(size: int) -> int:
    """Print the table; 1 if a ratio is under what was promised."""
    if why := missing():
        print(why)
        return 1
    found: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        body = folder / "body"
        with body.open("wb") as file:
            for _ in range(size // MIB):
                file.write(os.urandom(MIB))
        with far_end(folder / "nginx", body) as url:
            for _ in range(ROUNDS):
                for name_ in CONTENDERS:
                    path = folder / "came" if name_.endswith("_down") else body
                    cost = measure(name_, url, path)
                    if path != body:
                        if path.stat().st_size != size:
                            raise RuntimeError(f"{name_} brought something else")
                        path.unlink()
                    best = found.get(name_)
                    if best is None or cost.wall < best.wall:
                        found[name_] = cost
    print(f"{size // MIB} MiB, best of {ROUNDS}     wall s    CPU s  peak MiB")
    for name_, cost in found.items():
        print(f"{name_:20} {cost.wall:10.2f} {cost.cpu:8.2f} {cost.peak / MIB:9.0f}")
    down = min(found["oss2_down"].wall, found["oss_v2_down"].wall) / found["ours_down"].wall
    up = min(found["oss2_up"].wall, found["oss_v2_up"].wall) / found["ours_up"].wall
    peak = found["ours_up"].peak / MIB
    print(f"down: {down:.1f} x as fast as the faster SDK   at least 4")
    print(
        f"up:   {up:.1f} x as fast as the faster SDK   at least 2; peak {peak:.0f} MiB, at most 120"
    )
    return int(down < 4 or up < 2 or peak > 120)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        CONTENDERS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) * MIB if len(sys.argv) > 1 else 1024 * MIB))
