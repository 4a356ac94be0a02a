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
import alibabacloud_oss_v2.aio as oss_aio
import pytest
import requests
from alibabacloud_oss_v2.exceptions import OperationError

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket

PART = 128 * 1024
Work = Callable[[Any], Awaitable[None]]
Run = Callable[[Work], None]


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    """Run work with a client in a loop of its own."""
    keys = whole_bucket(sandbox)
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"]
    )

    async def main(work: Work) -> None:
        async with oss_aio.AsyncClient(config) as client:
            await work(client)

    return lambda work: asyncio.run(main(work))


@pytest.fixture
def where(sandbox: Sandbox, request: pytest.FixtureRequest) -> dict[str, str]:
    """Name an object that is this test's own."""
    digest = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return {"bucket": sandbox.bucket, "key": f"async/{digest}/a b+中%2F#?.txt"}


async def refusal(call: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(OperationError) as caught:
        await call
    error = caught.value.unwrap()
    return error.status_code, error.code


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


def test_an_upload_in_parts(run: Run, where: dict[str, str]) -> None:
    bodies = [b"1" * PART, b"2" * PART, b"3"]

    async def work(client: Any) -> None:
        begun = await client.initiate_multipart_upload(
            oss.InitiateMultipartUploadRequest(**where, metadata={"a": "b"})
        )
        upload = {**where, "upload_id": begun.upload_id}
        sent = await asyncio.gather(
            *(
                client.upload_part(oss.UploadPartRequest(**upload, part_number=number, body=body))
                for number, body in enumerate(bodies, 1)
            )
        )
        pages = client.list_parts_paginator().iter_page(oss.ListPartsRequest(**upload, max_parts=2))
        assert [part.size async for page in pages for part in page.parts] == [PART, PART, 1]
        under_way = client.list_multipart_uploads_paginator().iter_page(
            oss.ListMultipartUploadsRequest(bucket=where["bucket"], prefix=where["key"])
        )
        assert [each.key async for page in under_way for each in page.uploads] == [where["key"]]
        parts = [oss.UploadPart(part_number=n, etag=part.etag) for n, part in enumerate(sent, 1)]
        await client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                **upload,
                complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
            )
        )
        got = await client.get_object(oss.GetObjectRequest(**where))
        assert got.body.content == b"".join(bodies)
        assert (got.metadata, got.object_type) == ({"a": "b"}, "Multipart")
        gone = client.abort_multipart_upload(oss.AbortMultipartUploadRequest(**upload))
        assert await refusal(gone) == (404, "NoSuchUpload")

    run(work)


def test_copies_whole_and_in_parts(run: Run, where: dict[str, str]) -> None:
    body = b"x" * PART + b"tail"

    async def work(client: Any) -> None:
        await client.put_object(oss.PutObjectRequest(**where, body=body))
        origin = {"source_bucket": where["bucket"], "source_key": where["key"]}
        whole = {"bucket": where["bucket"], "key": where["key"] + ".whole"}
        await client.copy_object(oss.CopyObjectRequest(**whole, **origin))
        got = await client.get_object(oss.GetObjectRequest(**whole))
        assert got.body.content == body
        parted = {"bucket": where["bucket"], "key": where["key"] + ".parted"}
        begun = await client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(**parted))
        upload = {**parted, "upload_id": begun.upload_id}
        for number, span in enumerate((f"bytes=0-{PART - 1}", f"bytes={PART}-{PART + 3}"), 1):
            await client.upload_part_copy(
                oss.UploadPartCopyRequest(**upload, **origin, part_number=number, source_range=span)
            )
        await client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(**upload, complete_all="yes")
        )
        got = await client.get_object(oss.GetObjectRequest(**parted))
        assert got.body.content == body

    run(work)


def test_appending(run: Run, where: dict[str, str]) -> None:
    async def work(client: Any) -> None:
        first = await client.append_object(
            oss.AppendObjectRequest(**where, position=0, body=b"one,")
        )
        assert first.next_position == 4
        await client.append_object(oss.AppendObjectRequest(**where, position=4, body=b"two"))
        late = oss.AppendObjectRequest(**where, position=4, body=b"late")
        assert await refusal(client.append_object(late)) == (409, "PositionNotEqualToLength")
        got = await client.get_object(oss.GetObjectRequest(**where))
        assert got.body.content == b"one,two"

    run(work)


def test_signed_urls(run: Run, where: dict[str, str]) -> None:
    """The URLs are used by another client."""
    urls: dict[str, str] = {}
    headers: dict[str, str] = {}

    async def work(client: Any) -> None:
        put = await client.presign(oss.PutObjectRequest(**where, metadata={"author": "alice"}))
        get = await client.presign(oss.GetObjectRequest(**where), expires=timedelta(minutes=1))
        urls.update(put=put.url, get=get.url)
        headers.update(put.signed_headers)

    run(work)
    assert requests.put(urls["put"], b"by url", headers=headers, timeout=10).status_code == 200
    got = requests.get(urls["get"], timeout=10)
    assert (got.content, got.headers["x-oss-meta-author"]) == (b"by url", "alice")


def test_a_lease_ends_where_its_folder_does(sandbox: Sandbox, lease: dict[str, str]) -> None:
    config = oss.config.load_default()
    config.region, config.endpoint = sandbox.region, sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"]
    )

    async def main() -> None:
        async with oss_aio.AsyncClient(config) as client:
            mine = {"bucket": sandbox.bucket, "key": "users/alice/async"}
            await client.put_object(oss.PutObjectRequest(**mine, body=b"x"))
            theirs = oss.PutObjectRequest(bucket=sandbox.bucket, key="users/bob/async", body=b"x")
            assert await refusal(client.put_object(theirs)) == (403, "AccessDenied")

    asyncio.run(main())
