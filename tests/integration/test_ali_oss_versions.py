"""ali-oss in Node as the owner of a bucket, signing by V1 and by V4: versions, tags, ACL, CORS."""

from typing import Any

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.scripts import run_script

OK, NO_CONTENT = {"status": 200}, {"status": 204}
FIRST, SECOND = {"status": 200, "text": "first"}, {"status": 200, "text": "second"}


@pytest.fixture(scope="module", params=["v1", "v4"])
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def results(sandbox: Sandbox, version: str) -> dict[str, Any]:
    """One run of the script for each signature; what each call gave, by name."""
    return run_script(
        "ali_oss_versions.mjs",
        sandbox,
        ACCESS_KEY_ID=sandbox.access_key_id,
        ACCESS_KEY_SECRET=sandbox.access_key_secret,
        V4="yes" if version == "v4" else "no",
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("putBucket", OK),
        ("getBucketLocation", {"location": "oss-cn-hangzhou"}),
        ("putBucketACL", OK),
        ("getBucketACL", {"acl": "public-read"}),
        ("putBucketTags", OK),
        ("getBucketTags", {"tag": {"team": "a b", "ü": ""}}),
        ("deleteBucketTags", NO_CONTENT),
        ("no bucket tags", {"tag": {}}),
        ("putBucketCORS", OK),
        ("getBucketCORS", {"methods": [["GET", "PUT"]]}),
        ("deleteBucketCORS", NO_CONTENT),
        ("putBucketVersioning", OK),
        ("getBucketVersioning", {"versionStatus": "Enabled"}),
        ("put", {"both": True}),
        ("forbid-overwrite says nothing here", OK),
        ("nor again", OK),
        ("get", SECOND),
        ("get the first", FIRST),
        ("head the first", {"status": 200, "same": True}),
        ("getObjectMeta", {"status": 200, "length": "5"}),
        ("copy the first", OK),
        ("get the copy", FIRST),
        ("putObjectTagging", OK),
        ("getObjectTagging", {"tag": {"k": "v"}}),
        ("other tags", {"tag": {}}),
        ("deleteObjectTagging", NO_CONTENT),
        ("putACL", OK),
        ("getACL", {"acl": "private"}),
        ("delete", {"status": 204, "marker": "true"}),
        (
            "getBucketVersions",
            {
                "versions": [["a", False], ["a", False], ["b", True], ["b", False], ["c", True]],
                "markers": ["a"],
            },
        ),
        ("delete the marker", NO_CONTENT),
        ("back", SECOND),
        ("deleteMulti", {"status": 200, "count": 5}),
        ("deleteBucket", NO_CONTENT),
    ],
)
def test_what_is_served(results: dict[str, Any], call: str, expected: dict[str, Any]) -> None:
    assert results[call] == expected


@pytest.mark.parametrize("call", ["listBuckets", "getBucketInfo"])
def test_the_bucket_is_known(results: dict[str, Any], call: str, version: str) -> None:
    name = f"node-versions-{version}"
    known = {"names": [name]} if call == "listBuckets" else {"name": name}
    assert results[call] == {"status": 200, **known}


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("no bucket CORS", 404, "NoSuchCORSConfiguration"),
        ("get another", 404, "NoSuchVersion"),
        ("restore", 400, "OperationNotSupported"),
        ("gone", 404, "NoSuchKey"),
        ("no bucket", 404, "NoSuchBucket"),
    ],
)
def test_a_refusal_reads_well(results: dict[str, Any], call: str, status: int, code: str) -> None:
    refusal = results[call]
    assert (refusal["status"], refusal["code"]) == (status, code)
    assert refusal["requestId"]
    assert refusal["message"]


def test_all_were_checked(results: dict[str, Any]) -> None:
    assert len(results) == 41
