"""Large objects as users of the official SDKs move them, with temporary V4 credentials."""

import os
from collections.abc import Iterator
from pathlib import Path

import alibabacloud_oss_v2 as oss
import oss2
import pytest
from alibabacloud_oss_v2.transport import RequestsHttpClient

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket

PART = 128 * 1024


# The SDKs leave some responses, and so their sockets, to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("swept"),
]


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[oss2.Bucket]:
    keys = whole_bucket(sandbox)
    auth = oss2.StsAuth(
        keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"], auth_version="v4"
    )
    session = oss2.Session()
    yield oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )
    session.session.close()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[oss.Client]:
    keys = whole_bucket(sandbox)
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"]
    )
    with RequestsHttpClient() as config.http_client:
        yield oss.Client(config)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(os.urandom(5 * PART + 17))
    return path


def test_oss2_resumable(bucket: oss2.Bucket, source: Path, tmp_path: Path) -> None:
    done = oss2.resumable_upload(
        bucket,
        "t/oss2",
        str(source),
        store=oss2.ResumableStore(root=str(tmp_path)),
        multipart_threshold=PART,
        part_size=PART,
        num_threads=3,
    )
    assert bucket.head_object("t/oss2").etag == done.etag
    assert bucket.get_object("t/oss2").read() == source.read_bytes()
    target = tmp_path / "target"
    oss2.resumable_download(
        bucket,
        "t/oss2",
        str(target),
        store=oss2.ResumableDownloadStore(root=str(tmp_path)),
        multiget_threshold=PART,
        part_size=PART,
        num_threads=3,
    )
    assert target.read_bytes() == source.read_bytes()


def test_oss2_by_hand(bucket: oss2.Bucket) -> None:
    key = "t/by hand+中"
    upload_id = bucket.init_multipart_upload(key, headers={"x-oss-meta-a": "b"}).upload_id
    assert len(upload_id) == 32
    bodies = [b"1" * PART, b"2" * PART, b"3"]
    for number, body in enumerate(bodies, 1):
        bucket.upload_part(key, upload_id, number, body)
    parts = list(oss2.PartIterator(bucket, key, upload_id, max_parts=2))
    assert [part.size for part in parts] == [PART, PART, 1]
    uploads = list(oss2.MultipartUploadIterator(bucket, prefix="t/by", max_uploads=1))
    assert [upload.key for upload in uploads] == [key]
    done = bucket.complete_multipart_upload(key, upload_id, parts)
    got = bucket.get_object(key)
    assert got.read() == b"".join(bodies)
    assert got.client_crc == got.server_crc == done.crc
    assert got.headers["x-oss-meta-a"] == "b"
    assert list(oss2.MultipartUploadIterator(bucket, prefix="t/by")) == []
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.abort_multipart_upload(key, upload_id)


def test_v2_uploader_and_downloader(
    client: oss.Client, sandbox: Sandbox, source: Path, tmp_path: Path
) -> None:
    name = {"bucket": sandbox.bucket, "key": "t/v2"}
    uploader = client.uploader(part_size=PART, parallel_num=3)
    uploader.upload_file(oss.PutObjectRequest(**name), str(source))
    target = tmp_path / "target"
    downloader = client.downloader(part_size=PART, parallel_num=3)
    downloader.download_file(oss.GetObjectRequest(**name), str(target))
    assert target.read_bytes() == source.read_bytes()


def test_v2_uploader_with_a_checkpoint(
    client: oss.Client, sandbox: Sandbox, source: Path, tmp_path: Path
) -> None:
    name = {"bucket": sandbox.bucket, "key": "t/v2-checkpoint"}
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    uploader = client.uploader(
        part_size=PART, enable_checkpoint=True, checkpoint_dir=str(checkpoints)
    )
    uploader.upload_file(oss.PutObjectRequest(**name), str(source))
    head = client.head_object(oss.HeadObjectRequest(**name))
    assert head.content_length == source.stat().st_size
    assert head.object_type == "Multipart"


def test_v2_forbids_overwriting_when_completing(client: oss.Client, sandbox: Sandbox) -> None:
    name = {"bucket": sandbox.bucket, "key": "t/v2-forbid"}
    begun = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(**name))
    upload = {**name, "upload_id": begun.upload_id}
    client.upload_part(oss.UploadPartRequest(**upload, part_number=1, body=b"late"))
    client.put_object(oss.PutObjectRequest(**name, body=b"first"))
    late = oss.CompleteMultipartUploadRequest(**upload, complete_all="yes", forbid_overwrite=True)
    with pytest.raises(oss.exceptions.OperationError) as caught:
        client.complete_multipart_upload(late)
    assert caught.value.unwrap().code == "FileAlreadyExists"
    pages = client.list_parts_paginator().iter_page(oss.ListPartsRequest(**upload))
    assert [part.size for page in pages for part in page.parts] == [4]
    client.abort_multipart_upload(oss.AbortMultipartUploadRequest(**upload))
    every = client.list_multipart_uploads_paginator().iter_page(
        oss.ListMultipartUploadsRequest(bucket=sandbox.bucket, prefix="t/v2-forbid")
    )
    assert [upload for page in every for upload in page.uploads or []] == []


def test_oss2_copies(bucket: oss2.Bucket) -> None:
    bucket.put_object("t/from ü", b"x" * PART, headers={"x-oss-meta-a": "1"})
    copied = bucket.copy_object(bucket.bucket_name, "t/from ü", "t/to")
    assert bucket.head_object("t/to").headers["x-oss-meta-a"] == "1"
    assert copied.etag == bucket.head_object("t/to").etag
    upload_id = bucket.init_multipart_upload("t/parts").upload_id
    first = bucket.upload_part_copy(bucket.bucket_name, "t/from ü", None, "t/parts", upload_id, 1)
    second = bucket.upload_part_copy(
        bucket.bucket_name, "t/from ü", (0, 9), "t/parts", upload_id, 2
    )
    parts = [oss2.models.PartInfo(1, first.etag), oss2.models.PartInfo(2, second.etag)]
    bucket.complete_multipart_upload("t/parts", upload_id, parts)
    assert bucket.get_object("t/parts").read() == b"x" * (PART + 10)


def test_oss2_deletes_many(bucket: oss2.Bucket) -> None:
    keys = ["t/gone 1", "t/gone+2", "t/gone\x013", "t/gone中4"]
    for key in keys:
        bucket.put_object(key, b"x")
    assert bucket.batch_delete_objects(keys).deleted_keys == keys
    assert bucket.list_objects_v2(prefix="t/gone").object_list == []


def test_v2_copier_and_delete_many(client: oss.Client, sandbox: Sandbox, source: Path) -> None:
    origin = {"bucket": sandbox.bucket, "key": "t/v2-from+ü"}
    body = source.read_bytes()
    client.put_object(oss.PutObjectRequest(**origin, body=body))
    target = {"bucket": sandbox.bucket, "key": "t/v2-to"}
    request = oss.CopyObjectRequest(
        **target, source_bucket=origin["bucket"], source_key=origin["key"]
    )
    client.copier(part_size=PART, multipart_copy_threshold=PART, disable_shallow_copy=True).copy(
        request
    )
    assert client.get_object(oss.GetObjectRequest(**target)).body.read() == body
    request.if_none_match = client.head_object(oss.HeadObjectRequest(**origin)).etag
    with pytest.raises(oss.exceptions.OperationError) as caught:
        client.copy_object(request)
    assert caught.value.unwrap().status_code == 304
    done = client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(
            bucket=sandbox.bucket,
            objects=[oss.DeleteObject(key=each["key"]) for each in (origin, target)],
        )
    )
    assert [each.key for each in done.deleted_objects] == [origin["key"], target["key"]]
