"""The programs of the client's README are run, in their order."""

import asyncio
import gc
import re
from pathlib import Path
from typing import Any

import fsspec
import pytest

import sts_client
from sts_client.plugs.fsspec import OssStsFileSystem
from tests.integration.house import Server

ROOT = Path(__file__).parents[3]
README = (ROOT / "client" / "README.md").read_text("utf-8")
FIRST = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.usefixtures("swept")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the SDKs' own
def test_the_programs_run(
    shared: Server, token_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fsspec.register_implementation("oss-sts", OssStsFileSystem, clobber=True)
    names: dict[str, Any] = {"sts_client": sts_client}
    for source in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        known = source.replace("https://sts.example.com", shared.url)
        known = known.replace('"token"', repr(str(token_file)))
        exec(compile(known, "client/README.md", "exec"), names)  # noqa: S102 - our own document
    assert capsys.readouterr().out == "b'a,b\\n1,2\\n'\n"
    assert asyncio.run(names["read"]()).body.content == b"a,b\n1,2\n"
    assert names["credential"].get_credential().access_key_id.startswith("STS.")
    found = names["files"].ls("examplebucket/users/alice", detail=False)
    assert "examplebucket/users/alice/a.parquet" in found

    names["files"].pipe_file("examplebucket/users/alice/report.csv", b"a,b\n1,2\n")
    (source,) = re.findall(r"```python\n(import pandas\n.*?)```", FIRST, re.DOTALL)
    known = source.replace("https://sts.example.com", shared.url)
    exec(known.replace('"token"', repr(str(token_file))), names)  # noqa: S102 - the same
    assert names["table"]["b"].tolist() == [2]
    names.clear()
    gc.collect()
