"""The asyncio client of alibabacloud-oss-v2, unmodified, as its users write it, against the sandbox.

It has no uploader, downloader or copier: what they do is done by hand here, part by part. Each test is one
run of a loop; the client must be closed inside of it.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import alibabacloud_oss_v2 as oss
import pytest

from sts_server.sandbox import Sandbox
from tests.integration.asynchronous import Run, place, refusal, runner


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    return runner(sandbox)


@pytest.fixture
def where(sandbox: Sandbox, request: pytest.FixtureRequest) -> dict[str, str]:
    return place(sandbox, request.node.name)


def test_an_object_comes_back_as_it_went(run: Run, where: dict[str, str]) -> None:
    async def work(client: Any) -> None:
        put = await client.put_object(
            oss.PutObjectRequest(
                **where, body=b"hello", content_type="text/x-plain", metadata={"author": "alice"}
            )
        )
        got = await client.get_object(oss.GetObjectRequest(**where))
        assert got.body.content == b"hello"
        assert got.content_type == "text/x-plain"
        assert got.metadata == {"author": "alice"}
        assert got.hash_crc64 == put.hash_crc64
        head = await client.head_object(oss.HeadObjectRequest(**where))
        assert (head.content_length, head.etag) == (len(b"hello"), put.etag)
        assert await client.is_object_exist(where["bucket"], where["key"])

    run(work)


def test_a_large_body_streams_both_ways(run: Run, where: dict[str, str]) -> None:
    body = bytes(range(256)) * 8192 + b"tail"

    async def work(client: Any) -> None:
        await client.put_object(oss.PutObjectRequest(**where, body=body))
        got = await client.get_object_as_stream(oss.GetObjectRequest(**where))
        async with got.body as stream:
            chunks = [chunk async for chunk in await stream.iter_bytes()]
        assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(body).digest()

    run(work)


def test_many_at_once(run: Run, where: dict[str, str]) -> None:
    keys = [f"{where['key']}/{number:02}" for number in range(20)]

    async def work(client: Any) -> None:
        def put(key: str) -> Awaitable[Any]:
            body = key.encode()
            return client.put_object(  # type: ignore[no-any-return]
                oss.PutObjectRequest(bucket=where["bucket"], key=key, body=body)
            )

        def get(key: str) -> Awaitable[Any]:
            return client.get_object(  # type: ignore[no-any-return]
                oss.GetObjectRequest(bucket=where["bucket"], key=key)
            )

        await asyncio.gather(*map(put, keys))
        answers = await asyncio.gather(*map(get, keys))
        assert [answer.body.content.decode() for answer in answers] == keys

    run(work)


def test_a_deleted_object_is_gone(run: Run, where: dict[str, str]) -> None:
    async def work(client: Any) -> None:
        await client.put_object(oss.PutObjectRequest(**where, body=b"x"))
        deleted = await client.delete_object(oss.DeleteObjectRequest(**where))
        assert deleted.status_code == 204
        gone = (404, "NoSuchKey")
        assert await refusal(client.get_object(oss.GetObjectRequest(**where))) == gone
        assert await refusal(client.head_object(oss.HeadObjectRequest(**where))) == gone
        assert not await client.is_object_exist(where["bucket"], where["key"])

    run(work)


def test_deleting_many(run: Run, where: dict[str, str]) -> None:
    keys = [f"{where['key']}/{name}" for name in ("a&b", "c\x01d", "<e>")]

    async def work(client: Any) -> None:
        for key in keys:
            await client.put_object(
                oss.PutObjectRequest(bucket=where["bucket"], key=key, body=b"x")
            )
        done = await client.delete_multiple_objects(
            oss.DeleteMultipleObjectsRequest(
                bucket=where["bucket"], objects=[oss.DeleteObject(key=key) for key in keys]
            )
        )
        assert [each.key for each in done.deleted_objects] == keys
        left = await client.list_objects_v2(
            oss.ListObjectsV2Request(bucket=where["bucket"], prefix=where["key"])
        )
        assert (left.key_count, left.contents) == (0, None)

    run(work)


def shifted(field: str, seconds: int) -> Callable[[Any], dict[str, str]]:
    def build(head: Any) -> dict[str, str]:
        moment = head.last_modified + timedelta(seconds=seconds)
        return {field: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    return build


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        (lambda head: {"if_match": head.etag}, 200),
        (lambda _: {"if_none_match": '"0123"'}, 200),
        (shifted("if_modified_since", -1), 200),
        (shifted("if_unmodified_since", 0), 200),
        (lambda _: {"if_match": '"0123"'}, 412),
        (shifted("if_unmodified_since", -1), 412),
        (lambda head: {"if_none_match": head.etag}, 304),
        (shifted("if_modified_since", 0), 304),
    ],
)
@pytest.mark.parametrize("verb", ["get", "get_as_stream", "head"])
def test_the_four_conditions(
    run: Run, where: dict[str, str], verb: str, fields: Any, outcome: int
) -> None:
    async def work(client: Any) -> None:
        await client.put_object(oss.PutObjectRequest(**where, body=b"x"))
        head = await client.head_object(oss.HeadObjectRequest(**where))
        kind = oss.HeadObjectRequest if verb == "head" else oss.GetObjectRequest
        call = {
            "get": client.get_object,
            "get_as_stream": client.get_object_as_stream,
            "head": client.head_object,
        }[verb]
        request = kind(**where, **fields(head))
        if outcome != 200:
            assert (await refusal(call(request)))[0] == outcome
            return
        answer = await call(request)
        assert answer.status_code == 200
        if verb != "head":
            async with answer.body as body:
                assert await body.read() == b"x"

    run(work)


def test_a_write_may_refuse_to_overwrite(run: Run, where: dict[str, str]) -> None:
    async def work(client: Any) -> None:
        first = oss.PutObjectRequest(**where, body=b"first", forbid_overwrite=True)
        second = oss.PutObjectRequest(**where, body=b"second", forbid_overwrite=True)
        await client.put_object(first)
        assert await refusal(client.put_object(second)) == (409, "FileAlreadyExists")

    run(work)


def test_of_writers_at_once_one_wins(run: Run, where: dict[str, str]) -> None:
    async def work(client: Any) -> None:
        wishes = [
            oss.PutObjectRequest(**where, body=b"%d" % number, forbid_overwrite=True)
            for number in range(8)
        ]
        answers = await asyncio.gather(*map(client.put_object, wishes), return_exceptions=True)
        won = [n for n, answer in enumerate(answers) if not isinstance(answer, Exception)]
        assert len(won) == 1
        got = await client.get_object(oss.GetObjectRequest(**where))
        assert got.body.content == b"%d" % won[0]

    run(work)


def test_listing_pages_and_folders(run: Run, where: dict[str, str]) -> None:
    root = f"{where['key']}/"
    keys = [f"{root}{name}" for name in ("a", "b/1", "b/2", "c d+%", "line\nfeed", "中/x")]

    async def work(client: Any) -> None:
        for key in keys:
            await client.put_object(
                oss.PutObjectRequest(bucket=where["bucket"], key=key, body=b"x")
            )
        wish = {"bucket": where["bucket"], "prefix": root, "max_keys": 2}
        pages = client.list_objects_v2_paginator()
        found = [
            item.key
            async for page in pages.iter_page(oss.ListObjectsV2Request(**wish))
            for item in page.contents
        ]
        assert found == keys
        old = client.list_objects_paginator().iter_page(oss.ListObjectsRequest(**wish))
        assert [item.key async for page in old for item in page.contents] == keys
        folders = pages.iter_page(oss.ListObjectsV2Request(**wish, delimiter="/"))
        names = [item.prefix async for page in folders for item in page.common_prefixes or []]
        assert names == [f"{root}b/", f"{root}中/"]

    run(work)
