"""The examples of the documentation's own text are run, against the sandbox."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import sts_client
import sts_client.bucket
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import opened

EXAMPLES = [
    example
    for module in pkgutil.iter_modules(sts_client.bucket.__path__)
    for example in doctest.DocTestFinder(exclude_empty=True).find(
        importlib.import_module(f"sts_client.bucket.{module.name}")
    )
    if example.examples
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_says_what_happens(
    example: doctest.DocTest, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.reset()
    with opened(sandbox) as bucket:
        bucket.put("users/alice/report.csv", b"1,2,3,4")
        example.globs |= {"bucket": bucket, "folder": tmp_path, "requests": requests}
        told: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(example, out=told.append)
    assert runner.failures == 0, "".join(told)


def test_what_users_reach_for_first_has_an_example() -> None:
    shown = {example.name.rpartition(".")[2] for example in EXAMPLES}
    assert {"get", "put", "list", "copy", "append", "download", "upload", "presign_get"} <= shown
