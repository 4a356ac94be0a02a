"""What tests of mirrors stand on: objects to bring, and looks at what came."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sts_client import Bucket, TransferSettings
from sts_client.mirror.names import MANIFEST
from sts_server.sandbox import Sandbox

PART = 128 * 1024
SETTINGS = TransferSettings(part_size=PART, wait=lambda _: None)


def fill(bucket: Bucket, objects: Mapping[str, bytes]) -> None:
    """Put objects."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bucket.put, objects.keys(), objects.values()))


def files(folder: Path) -> dict[str, bytes]:
    """Read all files but the manifest, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != MANIFEST
    }


def hidden(folder: Path) -> list[str]:
    """Tell the hidden files, wherever they are."""
    return sorted(path.name for path in folder.rglob(".*"))


def asked(sandbox: Sandbox) -> list[str]:
    """Tell what was asked of OSS."""
    return [str(it["operation"]) for it in sandbox.requests() if it["service"] == "oss"]
