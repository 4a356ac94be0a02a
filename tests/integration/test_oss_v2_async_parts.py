"""The asyncio client of alibabacloud-oss-v2: uploads in parts, copies, appends, signed URLs, a lease."""

import asyncio
from datetime import timedelta
from typing import Any

import alibabacloud_oss_v2 as oss
import alibabacloud_oss_v2.aio as oss_aio
import pytest
import requests

from sts_server.sandbox import Sandbox
from tests.integration.asynchronous import Run, place, refusal, runner

PART = 128 * 1024


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    return runner(sandbox)


@pytest.fixture
def where(sandbox: Sandbox, request: pytest.FixtureRequest) -> dict[str, str]:
    return place(sandbox, request.node.name)


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
