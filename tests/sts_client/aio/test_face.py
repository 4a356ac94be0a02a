"""What ``import sts_client.aio`` gives: the face of threads, but for the waiting."""

import inspect
import re
import subprocess
import sys

import pytest

import sts_client
from sts_client import aio


def test_exports_exactly_what_it_names() -> None:
    public = {
        name
        for name, value in vars(aio).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(aio.__all__)
    assert aio.__all__ == sorted(aio.__all__)


def methods(kind: type) -> dict[str, str]:
    """Give each method's arguments, written alike for both kinds."""
    found = {}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            text = str(inspect.signature(method))
            found[name] = re.sub(r"[a-z_]+\.(aio\.)?[a-z_.]+\.|\bAsync", "", text)
    return found


def test_both_buckets_take_the_same_arguments() -> None:
    ours, theirs = methods(aio.AsyncBucket), methods(sts_client.Bucket)
    # What works on whole folders is not here: it runs in a thread, over a bucket of threads.
    assert set(ours) == set(theirs) - {"mirror", "upload_tree", "cached"}
    for name in set(ours) - {"put", "append", "list"}:
        assert ours[name] == theirs[name], name


@pytest.mark.parametrize("name", ["connect", "leases_from"])
def test_both_are_opened_alike(name: str) -> None:
    ours = inspect.signature(getattr(aio, name)).parameters
    theirs = inspect.signature(getattr(sts_client, name)).parameters
    assert [(it.name, it.kind, it.default) for it in ours.values()] == [
        (it.name, it.kind, it.default) for it in theirs.values()
    ]


def test_without_its_library_it_is_one_line() -> None:
    program = "import sys; sys.modules['httpx'] = None; import sts_client; import sts_client.aio"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    last = ended.stderr.strip().splitlines()[-1]
    assert last == 'ModuleNotFoundError: sts_client.aio needs httpx: pip install "oss-sts[aio]"'
    assert "during handling" not in ended.stderr


def test_the_client_of_threads_does_not_import_it() -> None:
    program = "import sys, sts_client; assert not {'httpx', 'anyio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
