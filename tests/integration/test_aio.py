"""The main job with asyncio: the real vending server, the sandbox, leases that die on the way."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

import sts_client
from sts_client import NotModified, errors
from sts_client.aio import AsyncBucket, connect
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server, vending_server
from tests.sts_client.aio.loop import in_loop, worst_lag

KEY = "users/alice/a b+中%2F/..#?.txt"


@pytest.fixture(scope="module")
def own_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def server(own_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with vending_server(own_sandbox, tmp_path_factory.mktemp("server")) as running:
        yield running


async def token() -> str:
    return KEYS["alice"]


def connected(server: Server, grant: str = "uploads") -> AsyncBucket:
    return connect(server.url, grant=grant, token=token)


@in_loop
async def test_the_main_job(server: Server, tmp_path: Path) -> None:
    async with connected(server, "everything") as bucket:
        put = await bucket.put(KEY, b"examplecontent", metadata={"by": "alice"})
        first = await bucket.get(KEY)
        assert (await first.read(), first.etag) == (b"examplecontent", put.etag)
        assert isinstance(await bucket.get(KEY, if_none_match=first.etag), NotModified)
        with pytest.raises(errors.FileAlreadyExists):
            await bucket.put(KEY, b"", forbid_overwrite=True)
        assert [entry.key async for entry in bucket.list()] == [KEY]  # type: ignore[union-attr]
        await bucket.download(KEY, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == b"examplecontent"
        await bucket.delete(KEY)
        with pytest.raises(errors.AccessDenied):
            await bucket.get("users/bob/secret.txt")


@in_loop
async def test_the_readmes_program_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    async with connected(server) as bucket:
        await bucket.put("users/alice/report.csv", b"a,b\n")
    text = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(async with sts_client.aio.*?)```", text, re.DOTALL)
    source = indent(program.replace("https://sts.example.com", server.url), "    ")
    names: dict[str, Any] = {"sts_client": sts_client, "get_jwt": token}
    exec(f"async def main():\n{source}", names)  # noqa: S102 - our own document
    await names["main"]()
    assert capsys.readouterr().out == "b'a,b\\n'\n"


@in_loop
async def test_who_may_not(server: Server) -> None:
    with pytest.raises(errors.GrantDenied):
        await connected(server, "nothing").provider.lease()
    with pytest.raises(errors.Unauthenticated) as caught:
        await connect(server.url, grant="uploads", token="osk_wrong").provider.lease()
    assert "osk_wrong" not in str(caught.value)


@in_loop
async def test_a_hundred_gets_after_the_lease_was_ended_are_one_fetch(
    server: Server, own_sandbox: Sandbox
) -> None:
    async with connected(server) as bucket:
        await bucket.put(KEY, b"abc")
        vended = len(server.audit())
        own_sandbox.expire()
        found = await asyncio.gather(*(bucket.get(KEY) for _ in range(100)))
        assert [await each.read() for each in found] == [b"abc"] * 100
        assert len(server.audit()) == vended + 1


@in_loop
async def test_the_loop_goes_on_while_sts_is_slow(server: Server, own_sandbox: Sandbox) -> None:
    async with connected(server, "everything") as bucket:
        own_sandbox.fault(service="sts", latency=1.0)
        try:
            assert await worst_lag(bucket.provider.refused("STS.none")) < 0.5
        finally:
            own_sandbox.clear_faults()
