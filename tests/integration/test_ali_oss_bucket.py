"""ali-oss in Node with the whole bucket, signing by V1 and by V4: large objects to signed URLs."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket
from tests.integration.scripts import run_script

PART = 128 * 1024
OK = {"status": 200}
COPIED = {"status": 200, "same": True}
TWICE = {"status": 200, "text": "hellohello"}
FIRST = {"status": 200, "names": ["a", "b ü+"], "prefixes": [], "owned": True, "more": True}
REST = {"status": 200, "names": ["d"], "prefixes": ["c/"], "owned": True, "more": False}


@pytest.fixture(scope="module", params=["v1", "v4"])
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def results(sandbox: Sandbox, version: str) -> dict[str, Any]:
    """One run of the script for each signature; what each call gave, by name."""
    return run_script(
        "ali_oss_bucket.mjs",
        sandbox,
        PREFIX=f"node ü+ {version}/",
        LEASE=json.dumps(whole_bucket(sandbox)),
        V4="yes" if version == "v4" else "no",
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("putStream", OK),
        ("putStream of a length", OK),
        ("getStream", TWICE),
        ("getStream of a range", {"status": 206, "text": "lohe"}),
        ("upload stopped", {"name": "cancel", "parts": 2}),
        ("uploads", {"status": 200, "known": [True]}),
        ("parts", {"status": 200, "sizes": [PART, PART]}),
        ("upload resumed", {"status": 200, "sent": 4}),
        ("large", {"status": 200, "whole": True, "type": "text/x-large", "meta": "node"}),
        ("no uploads", {"left": 0}),
        ("abort", {"status": 204}),
        ("upload aborted", {"name": "abort"}),
        ("small as one", OK),
        ("uploadPartCopy", OK),
        ("large copy", {"whole": True}),
        ("copy", COPIED),
        ("copy if-match holds", COPIED),
        ("copy if-none-match holds", COPIED),
        ("copy if-none-match fails", {"status": 304}),
        ("copy if-modified-since holds", COPIED),
        ("copy if-modified-since fails", {"status": 304}),
        ("copy if-unmodified-since holds", COPIED),
        ("putMeta", {"status": 200, "meta": {"who": "again"}}),
        ("append", {"status": 200, "next": "5"}),
        ("append more", {"status": 200, "next": "10"}),
        ("appended", TWICE),
        ("tags", {"status": 200, "tags": {"who": "node", "a b": "c+d"}}),
        ("symlink", {"status": 200, "known": True}),
        ("through the symlink", TWICE),
        ("list", FIRST),
        ("list on", REST),
        ("listV2", FIRST),
        ("listV2 on", REST),
        ("listV2 without owners", {**REST, "names": ["a", "b ü+", "d"], "owned": False}),
        ("listV2 after", {**REST, "prefixes": []}),
        ("signatureUrlV4", TWICE),
        ("signatureUrlV4 with more", {"status": 200, "meta": {"who": "url"}}),
        ("signatureUrlV4 with a query", {"status": 200, "type": "text/x-asked"}),
        ("asyncSignatureUrl", TWICE),
        ("asyncSignatureUrl to put", {"status": 200, "type": "text/x-url"}),
        ("deleteMulti", {"status": 200, "all": True}),
        ("emptied", {"left": 0}),
    ],
)
def test_what_is_served(results: dict[str, Any], call: str, expected: dict[str, Any]) -> None:
    assert results[call] == expected


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("copy if-match fails", 412, "PreconditionFailed"),
        ("copy if-unmodified-since fails", 412, "PreconditionFailed"),
        ("copy of nothing", 404, "NoSuchKey"),
        ("append elsewhere", 409, "PositionNotEqualToLength"),
        ("append to what was put", 409, "ObjectNotAppendable"),
    ],
)
def test_a_refusal_reads_well(results: dict[str, Any], call: str, status: int, code: str) -> None:
    refusal = results[call]
    assert (refusal["status"], refusal["code"]) == (status, code)
    assert refusal["requestId"]
    assert refusal["message"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("signatureUrlV4 for another method", "SignatureDoesNotMatch"),
        ("asyncSignatureUrl spoilt", "SignatureDoesNotMatch"),
        ("asyncSignatureUrl too late", "AccessDenied"),
    ],
)
def test_a_url_that_is_refused(results: dict[str, Any], call: str, code: str) -> None:
    assert results[call] == {"status": 403, "code": code}


def test_all_was_signed_as_asked(sandbox: Sandbox, results: dict[str, Any], version: str) -> None:
    """The log hides signatures, but V1 writes dates as HTTP does and V4 as ISO 8601 does."""
    assert results
    folder = quote(f"/{sandbox.bucket}/node ü+ {version}/", safe="/")
    seen = [one["headers"] for one in sandbox.requests() if one["path"].startswith(folder)]
    dates = {headers["x-oss-date"][-1] for headers in seen if "x-oss-date" in headers}
    assert dates == {"Z" if version == "v4" else "T"}


def test_all_were_checked(results: dict[str, Any]) -> None:
    assert len(results) == 50
