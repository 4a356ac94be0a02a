"""Whatever plan of faults the sandbox follows: no wrong byte, nothing half, an end, and no upload left behind."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sts_client import Bucket, TransferSettings, errors
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import open_uploads, opened

PART = 128 * 1024
OLD, NEW = b"old", random.Random(3).randbytes(5 * PART + 9)  # noqa: S311 - it hides nothing
SETTINGS = TransferSettings(part_size=PART, threads=3, wait=lambda _: None)
MOST = 200
"""Requests that one transfer of six parts may make, however it is treated: each has its attempts."""

LIE = {"status": 404, "code": "NoSuchUpload"}
"""Told of an upload that is there, when it is to be aborted, it would be believed."""

EFFECTS = st.sampled_from(
    [
        {"cut": "before"},
        {"cut": "inside"},
        {"cut": "after"},
        {"truncate": 0},
        {"truncate": 70_000},
        {"corrupt": "answer"},
        {"corrupt": "request"},
        {"wrong_crc": True},
        {"status": 500, "code": "InternalError"},
        {"status": 503, "code": "ServiceUnavailable"},
        {"status": 403, "code": "AccessDenied"},
        {"status": 403, "code": "SecurityTokenExpired"},
        LIE,
        {"skew": 3600},
    ]
)
DOWN = ["GetObject", "HeadObject"]
UP = ["PutObject", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload", "HeadObject"]


def plans(operations: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Make plans: what goes wrong at the how-manieth of its kind, or at every one."""
    rule = st.builds(
        lambda operation, nth, effect: {
            "operation": operation,
            **({"nth": nth} if nth else {}),
            **effect,
        },
        st.sampled_from(operations),
        st.integers(0, 7),
        EFFECTS,
    )
    told = rule.filter(
        lambda it: it["operation"] != "AbortMultipartUpload" or it.get("code") != LIE["code"]
    )
    return st.lists(told, min_size=1, max_size=4)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    with opened(sandbox) as bucket:
        yield bucket


def follow(sandbox: Sandbox, plan: list[dict[str, Any]]) -> None:
    for rule in plan:
        sandbox.fault(**rule)


STORY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@STORY
@given(plan=plans(DOWN))
def test_a_download_is_right_or_fails(
    sandbox: Sandbox, bucket: Bucket, tmp_path: Path, plan: list[dict[str, Any]]
) -> None:
    bucket.put("k", NEW)
    target = tmp_path / "it"
    target.write_bytes(OLD)
    before = len(sandbox.requests())
    follow(sandbox, plan)
    try:
        bucket.download("k", target, settings=SETTINGS)
    except errors.StsClientError:
        assert target.read_bytes() == OLD
    else:
        assert target.read_bytes() == NEW
    finally:
        sandbox.clear_faults()
    assert len(sandbox.requests()) - before < MOST
    bucket.download("k", target, settings=SETTINGS)
    assert target.read_bytes() == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


@STORY
@given(plan=plans(UP), size=st.sampled_from([PART, len(NEW)]))
def test_an_upload_is_right_or_fails_and_leaves_nothing(
    sandbox: Sandbox, bucket: Bucket, tmp_path: Path, plan: list[dict[str, Any]], size: int
) -> None:
    sandbox.reset()
    bucket.put("k", OLD)
    source = tmp_path / "it"
    source.write_bytes(NEW[:size])
    before = len(sandbox.requests())
    follow(sandbox, plan)
    damaged = note = False
    try:
        bucket.upload(source, "k", settings=SETTINGS)
        succeeded = True
    except errors.StsClientError as error:
        succeeded = False
        damaged = isinstance(error, errors.ChecksumMismatch)
        note = any("could not be aborted" in text for text in getattr(error, "__notes__", ()))
    finally:
        sandbox.clear_faults()
    assert len(sandbox.requests()) - before < MOST
    there = bucket.get("k").read()
    if succeeded:
        assert there == NEW[:size]
    else:
        # A put whose answer was lost may have been stored; what OSS stored damaged is told as such.
        assert there in (OLD, NEW[:size]) or damaged
    assert open_uploads(sandbox) == 0 or note
