"""The bucket against a server that answers as each test wants: what arrives, byte for byte."""

import base64
import gc
import http.client
import io
import itertools
import os
import pickle
import threading
import time
import traceback
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
import requests
import urllib3
from fastcrc import crc64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sts_client import (
    Bucket,
    Entry,
    Folder,
    Lease,
    NotModified,
    Provider,
    StsClientError,
    connect,
    errors,
)
from sts_client.objects import Objects
from sts_client.objects.exchange import pause
from tests.sts_client.aio.blocking import blocking, only_threads
from tests.sts_client.stage import (
    NOW,
    SECRET,
    SECRETS,
    TOKEN,
    Answer,
    Asked,
    Queue,
    Stage,
    lease,
    serving,
)

SHELL = ContextVar("SHELL", default="threads")
MODIFIED = "Mon, 01 Dec 2025 08:30:00 GMT"


def stored(body: bytes, **changes: str) -> Answer:
    headers = {
        "ETag": '"5B3C"',
        "Last-Modified": MODIFIED,
        "Content-Type": "text/csv",
        "x-oss-meta-Author": "alice",
        "x-oss-hash-crc64ecma": str(crc64.xz(body)),
        "x-oss-request-id": "5C3D9175B6FC201293AD4890",
    }
    return Answer(headers=headers | {n.replace("_", "-"): v for n, v in changes.items()}, body=body)


def refusal(code: str, status: int = 403, *, head: bool = False) -> Answer:
    xml = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>leaks {TOKEN}</Message>"
        f"<RequestId>5C3D9175B6FC201293AD4890</RequestId><StringToSign>{TOKEN}</StringToSign>"
        f"<SecurityToken>{TOKEN}</SecurityToken><EC>0002-00000007</EC></Error>"
    ).encode()
    if head:
        return Answer(status, {"x-oss-err": base64.b64encode(xml).decode()})
    return Answer(status, {"Content-Type": "application/xml"}, xml)


def by_key(key: str) -> Callable[[Asked], Answer]:
    """Accept only requests that one AccessKey has signed."""

    def answer(asked: Asked) -> Answer:
        if f"Credential={key}/" not in asked.headers["Authorization"]:
            return refusal("SecurityTokenExpired", head=asked.method == "HEAD")
        return stored(b"new")

    return answer


@pytest.fixture(scope="module", params=["threads", "asyncio"], autouse=True)
def shell(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who runs the requests: all that is promised here, both do."""
    chosen = SHELL.set(request.param)
    yield request.param
    SHELL.reset(chosen)


@contextmanager
def opened(
    answer: Callable[[Asked], Answer], *leases: Callable[[str], Lease]
) -> Iterator[tuple[Bucket, Stage, Queue]]:
    with serving(answer) as stage:
        made = [each(stage.url) for each in leases] or [lease(1, endpoint=stage.url)]
        source = Queue(*made)
        if SHELL.get() == "asyncio":
            with blocking(source, {"timeout": (5.0, 5.0)}) as bucket:
                yield bucket, stage, source
            return
        provider = Provider(source, clock=lambda: NOW)
        objects = Objects(provider, timeout=(5.0, 5.0), clock=lambda: NOW, wait=lambda _: None)
        with Bucket(provider, objects) as bucket:
            yield bucket, stage, source


def numbered(number: int) -> Callable[[str], Lease]:
    return lambda url: lease(number, endpoint=url)


def test_get() -> None:
    with opened(lambda _: stored(b"abc")) as (bucket, stage, _):
        found = bucket.get("users/alice/report.csv")
        assert found.read() == b"abc"
        assert found.read() == b""
    assert (found.key, found.etag, found.size) == ("users/alice/report.csv", '"5B3C"', 3)
    assert found.last_modified == datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
    assert (found.content_type, dict(found.metadata)) == ("text/csv", {"author": "alice"})
    asked = stage.asked[0]
    assert asked.target == "/examplebucket/users/alice/report.csv"
    assert asked.headers["x-oss-date"] == "20251201T083000Z"
    assert asked.headers["x-oss-security-token"] == TOKEN
    assert asked.headers["Accept-Encoding"] == "identity"


def test_conditions_arrive_and_are_signed() -> None:
    with opened(lambda _: stored(b"abc")) as (bucket, stage, _):
        bucket.get("k", if_match='"5B3C"', if_modified_since=datetime(2025, 12, 1, tzinfo=UTC))
    headers = stage.asked[0].headers
    assert headers["If-Match"] == '"5B3C"'
    assert headers["If-Modified-Since"] == "Mon, 01 Dec 2025 00:00:00 GMT"
    assert "AdditionalHeaders=if-match;if-modified-since," in headers["Authorization"]


def test_not_modified_is_a_value() -> None:
    with opened(lambda _: Answer(304)) as (bucket, _, _):
        assert isinstance(bucket.get("k", if_none_match='"5B3C"'), NotModified)
        assert isinstance(bucket.head("k", if_none_match='"5B3C"'), NotModified)
        bucket.get("k", if_none_match='"5B3C"')


def test_precondition_failed() -> None:
    def answer(asked: Asked) -> Answer:
        return refusal("PreconditionFailed", 412, head=asked.method == "HEAD")

    with opened(answer) as (bucket, _, _):
        with pytest.raises(errors.PreconditionFailed):
            bucket.get("k", if_match='"1"')
        with pytest.raises(errors.PreconditionFailed):
            bucket.head("k", if_match='"1"')


def test_head() -> None:
    with opened(lambda _: stored(b"abc")) as (bucket, stage, _):
        head = bucket.head("k")
    assert (head.size, head.etag, head.crc64) == (3, '"5B3C"', crc64.xz(b"abc"))
    assert stage.asked[0].method == "HEAD"


def test_head_of_nothing_without_a_body() -> None:
    with (
        opened(lambda _: refusal("NoSuchKey", 404, head=True)) as (bucket, _, _),
        pytest.raises(errors.NoSuchKey, match="no such object") as caught,
    ):
        bucket.head("k")
    assert caught.value.ec == "0002-00000007"


def test_a_range_is_read_by_the_standard() -> None:
    def answer(asked: Asked) -> Answer:
        ends = {"bytes=1-2": "1-2", "bytes=8-": "8-9", "bytes=8-99": "8-9"}[asked.headers["Range"]]
        headers = {"Content-Range": f"bytes {ends}/10", "x-oss-hash-crc64ecma": "5"}
        return Answer(206, headers, b"bc")

    with opened(answer) as (bucket, stage, _):
        for byte_range in ((1, 2), (8, None), (8, 99)):
            found = bucket.get("k", byte_range=byte_range)
            assert (found.read(), found.size) == (b"bc", 10)
    assert stage.asked[0].headers["Range"] == "bytes=1-2"
    assert stage.asked[0].headers["x-oss-range-behavior"] == "standard"
    assert "AdditionalHeaders=range," in stage.asked[0].headers["Authorization"]


@pytest.mark.parametrize(
    "announced",
    [
        None,
        "bytes 0-1/10",
        "bytes 2-3/10",
        "bytes 1-3/10",
        "bytes 1-1/10",
        "bytes 1-2/2",
        "bytes 1-2/*",
        "bytes */10",
        "1-2/10",
        f"bytes 1-2/{'9' * 5000}",
    ],
)
def test_another_range_than_asked_for_is_an_error(announced: str | None) -> None:
    headers = {} if announced is None else {"Content-Range": announced}
    with (
        opened(lambda _: Answer(206, headers, b"bc")) as (bucket, _, _),
        pytest.raises(errors.BadAnswer, match="not the range"),
    ):
        bucket.get("k", byte_range=(1, 2))


@pytest.mark.parametrize(("asked", "body"), [((1, 2), b"b"), ((1, 5), b"bc"), ((1, None), b"bc")])
def test_less_of_a_range_than_asked_for_is_an_error(
    asked: tuple[int, int | None], body: bytes
) -> None:
    part = Answer(206, {"Content-Range": "bytes 1-2/10"}, body)
    with (
        opened(lambda _: part) as (bucket, _, _),
        pytest.raises(errors.BadAnswer, match="not the range"),
    ):
        bucket.get("k", byte_range=asked)


def test_not_modified_without_a_condition_is_an_error() -> None:
    with opened(lambda _: Answer(304)) as (bucket, _, _):
        calls: list[Callable[[], object]] = [
            lambda: bucket.get("k"),
            lambda: bucket.head("k"),
            lambda: bucket.get("k", if_match='"5B3C"'),
            lambda: bucket.head("k", if_unmodified_since=MODIFIED),
            lambda: bucket.put("k", b""),
            lambda: bucket.delete("k"),
            lambda: list(bucket.list()),
        ]
        for call in calls:
            with pytest.raises(errors.BadAnswer, match="not modified"):
                call()
        assert isinstance(bucket.get("k", if_modified_since=MODIFIED), NotModified)
        assert isinstance(bucket.head("k", if_modified_since=MODIFIED), NotModified)


@pytest.mark.parametrize("zone", [" GMT", " -0000", "", " +0000"])
def test_last_modified_is_never_local_time(zone: str) -> None:
    here = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    try:
        when = MODIFIED.removesuffix(" GMT") + zone
        with opened(lambda _: stored(b"", Last_Modified=when)) as (bucket, _, _):
            found = bucket.get("k").last_modified
    finally:
        os.environ.pop("TZ")
        if here is not None:
            os.environ["TZ"] = here
        time.tzset()
    assert found == datetime(2025, 12, 1, 8, 30, tzinfo=UTC)


def test_a_range_that_was_ignored_is_an_error() -> None:
    with (
        opened(lambda _: stored(b"abc")) as (bucket, _, _),
        pytest.raises(errors.BadAnswer, match="range was ignored"),
    ):
        bucket.get("k", byte_range=(1, 1))


@pytest.mark.parametrize(
    "byte_range", [(-1, 5), (5, 4), (0, 1, 2), (0,), 5, "12", (None, 5), ("0", "1"), (0.0, 1)]
)
def test_ranges_that_are_none(byte_range: tuple[int, int]) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _), pytest.raises(errors.UsageError):
        bucket.get("k", byte_range=byte_range)
    assert stage.asked == []


BIG = os.urandom(600_000)


@pytest.mark.parametrize("body", [b"", b"small", BIG], ids=["empty", "small", "big"])
def test_bodies_of_any_size(body: bytes) -> None:
    with opened(lambda _: stored(body)) as (bucket, _, _):
        assert bucket.get("k").read() == body
        assert b"".join(bucket.get("k")) == body
        with bucket.get("k") as found:
            assert found.read(3) + found.read(5) + found.read() == body
            assert found.read(0) == b""
        with bucket.get("k") as found:
            assert found.read(None) == body


@pytest.mark.parametrize("body", [b"small", BIG], ids=["small", "big"])
def test_a_truncated_body_is_an_error_never_short_data(body: bytes) -> None:
    def answer(_: Asked) -> Answer:
        whole = stored(body)
        return Answer(200, whole.headers, body[:-2], length=len(body))

    with opened(answer) as (bucket, _, _):
        with pytest.raises(errors.TruncatedBody, match="2 bytes"):
            bucket.get("k").read()
        with pytest.raises(errors.TruncatedBody):
            list(bucket.get("k"))


@pytest.mark.parametrize("body", [b"small", BIG], ids=["small", "big"])
def test_a_damaged_body_is_an_error(body: bytes) -> None:
    with opened(lambda _: stored(body, x_oss_hash_crc64ecma="5")) as (bucket, _, _):
        with pytest.raises(errors.ChecksumMismatch):
            bucket.get("k").read()
        with pytest.raises(errors.ChecksumMismatch):
            list(bucket.get("k"))


def test_bytes_are_those_stored_even_if_they_are_gzip() -> None:
    body = b"\x1f\x8b no gzip after all"
    with opened(lambda _: stored(body, Content_Encoding="gzip")) as (bucket, _, _):
        assert bucket.get("k").read() == body


def test_an_object_that_nobody_closes_leaks_nothing() -> None:
    with opened(lambda _: stored(BIG)) as (bucket, _, _):
        for _ in range(5):
            bucket.get("k")
        gc.collect()  # a socket left open would be a ResourceWarning, and so an error


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "x"},
        {"Last-Modified": "long ago"},
        {"x-oss-hash-crc64ecma": "x"},
    ],
)
def test_malformed_headers(headers: dict[str, str]) -> None:
    with (
        opened(lambda _: Answer(200, headers)) as (bucket, _, _),
        pytest.raises(StsClientError),
    ):
        bucket.get("k")


KEYS = [
    "a/../b",
    "../a",
    "..",
    ".",
    "a/./b",
    "a//b",
    "a/",
    "%2F",
    "a%2Fb",
    "?a=b",
    "a?b#c",
    "#",
    "a b",
    "a+b",
    "a~b",
    "a*b",
    "a'b",
    "a\\b",
    "中/文",
    "\U0001f600",
    "a\x01b",
    "a\nb",
    "a\r\nb",
    "...",
    "x" * 1023,
    "é",
    "e\u0301",
    "http://a@b/c",
    ";a=b",
    "a&b=c",
]


def as_sent(target: str) -> str:
    """Decode what stands behind the bucket once, as OSS does."""
    assert target.startswith("/examplebucket/")
    return unquote_to_bytes(target.removeprefix("/examplebucket/")).decode()


def test_keys_arrive_verbatim() -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _):
        for key in KEYS:
            bucket.get(key)
            bucket.put(key, b"")
    got = [as_sent(asked.target) for asked in stage.asked]
    assert got == [key for key in KEYS for _ in range(2)]
    assert all("/../" not in asked.target and "/./" not in asked.target for asked in stage.asked)


def test_keys_arrive_verbatim_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "http://oss.example.com"
    with serving(lambda _: stored(b"")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        provider = Provider(Queue(lease(1, endpoint=elsewhere)), clock=lambda: NOW)
        with Bucket(provider, Objects(provider, allow_http=True)) as bucket:
            for key in KEYS:
                bucket.get(key)
    got = [as_sent(asked.target.removeprefix(elsewhere)) for asked in proxy.asked]
    assert proxy.asked[0].target.startswith(elsewhere)
    assert got == KEYS


def test_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: stored(b"")) as proxy, opened(lambda _: stored(b"")) as (bucket, s, _):
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        bucket.get("k")
    assert len(s.asked) == 1
    assert proxy.asked == []


def test_a_ca_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    here = lease(1, endpoint="https://127.0.0.1:9")
    with (
        opened(lambda _: stored(b""), lambda _: here) as (bucket, _, _),
        pytest.raises(errors.TlsFailed, match="REQUESTS_CA_BUNDLE"),
    ):
        bucket.get("k")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), max_size=20
    )
)
def test_any_key_arrives_verbatim(keys: list[str]) -> None:
    keys = [key for key in keys if key[0] not in "/\\"]
    with opened(lambda _: stored(b"")) as (bucket, stage, _):
        for key in keys:
            bucket.delete(key)
    assert [as_sent(asked.target) for asked in stage.asked] == keys


@pytest.mark.parametrize("key", ["", "/a", "\\a", "x" * 1024, "中" * 342, "\ud800", None, 5, b"a"])
def test_keys_that_oss_refuses(key: str) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, source):
        for call in (bucket.get, bucket.head, bucket.delete):
            with pytest.raises(errors.UsageError):
                call(key)
        with pytest.raises(errors.UsageError):
            bucket.put(key, b"")
    assert stage.asked == []
    assert source.asked == []


def test_put() -> None:
    with opened(lambda asked: stored(asked.body)) as (bucket, stage, _):
        result = bucket.put(
            "k", b"abc", forbid_overwrite=True, content_type="text/csv", metadata={"a-b": "c d"}
        )
    assert (result.etag, result.crc64) == ('"5B3C"', crc64.xz(b"abc"))
    asked = stage.asked[0]
    assert (asked.method, asked.body) == ("PUT", b"abc")
    assert asked.headers["Content-Length"] == "3"
    assert asked.headers["x-oss-forbid-overwrite"] == "true"
    assert asked.headers["Content-Type"] == "text/csv"
    assert asked.headers["x-oss-meta-a-b"] == "c d"


class OnlyReads:
    """What has nothing of a file but `read`."""

    def __init__(self, body: bytes) -> None:
        self._file = io.BytesIO(body)

    def read(self, size: int) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize(
    "error",
    [
        urllib3.exceptions.ProtocolError("theirs"),
        http.client.IncompleteRead(b"theirs"),
        requests.ConnectionError("theirs"),
        ConnectionResetError("theirs"),
        LookupError("theirs"),
    ],
)
def test_errors_of_the_callers_own_data_are_not_oss_s(error: Exception) -> None:
    def parts() -> Iterator[bytes]:
        yield b"abc"
        raise error

    with opened(lambda _: stored(b"")) as (bucket, _, _):
        with pytest.raises(errors.PayloadError) as caught:
            bucket.put("k", parts())
        assert caught.value.__cause__ is error


def test_a_file_that_cannot_be_read_twice() -> None:
    class Once(io.BytesIO):
        def seek(self, position: int, whence: int = 0, /) -> int:
            if self.tell() and position == 0 and whence == 0 and self.read() == b"":
                seeks.append(position)
                if len(seeks) > 1:
                    raise OSError("once")
            return super().seek(position, whence)

    seeks: list[int] = []
    with (
        opened(by_key("STS.2"), numbered(1), numbered(2)) as (bucket, _, _),
        pytest.raises(errors.PayloadError, match="second time"),
    ):
        bucket.put("k", Once(b"abc"))


def test_put_whatever_has_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)
    with opened(lambda asked: stored(asked.body)) as (bucket, stage, _), path.open("rb") as file:
        file.seek(100)
        bucket.put("k", file)
        bucket.put("k", bytearray(b"abc"))
        bucket.put("k", memoryview(b"abc")[1:])
        bucket.put("k", io.BytesIO())
        bucket.put("k", [b"ab", b"", b"c"])
        bucket.put("k", (part for part in (b"ab", b"c")))
        bucket.put("k", memoryview(b"abcdef")[::2])
        bucket.put("k", iter([memoryview(array("I", [1, 2])), bytearray(b"abc")]))  # type: ignore[arg-type]  # other buffers do no harm
        bucket.put("k", OnlyReads(b"abc"))  # type: ignore[arg-type]  # no more is needed
    bodies = [asked.body for asked in stage.asked]
    assert bodies[:6] == [BIG[100:], b"abc", b"bc", b"", b"abc", b"abc"]
    assert bodies[6:] == [b"ace", array("I", [1, 2]).tobytes() + b"abc", b"abc"]
    assert stage.asked[3].headers["Content-Length"] == "0"
    assert stage.asked[5].headers["Transfer-Encoding"] == "chunked"


def test_put_from_a_pipe() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file:
        file.write(b"from a pipe")
    with (
        opened(lambda asked: stored(asked.body)) as (bucket, stage, _),
        os.fdopen(read, "rb") as pipe,
    ):
        bucket.put("k", pipe)
    assert stage.asked[0].body == b"from a pipe"


@pytest.mark.parametrize("data", ["text", io.StringIO("text"), 5, None])
def test_put_what_has_no_bytes(data: bytes) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _), pytest.raises(errors.UsageError):
        bucket.put("k", data)
    assert stage.asked == []


def test_put_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = (tmp_path / "file").open("wb")
    file.close()

    class Shrinking(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return super().read(2) if self.tell() < 2 else b""

    class Failing(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError("disk")

    with opened(lambda asked: stored(asked.body)) as (bucket, _, _):
        for data in (file, Shrinking(b"abcdef"), Failing(b"abc"), iter([b"a", "b"])):
            with pytest.raises(errors.PayloadError):
                bucket.put("k", data)  # type: ignore[arg-type]  # the last one is wrong on purpose


@pytest.mark.parametrize(
    "argument", ["if_match", "if_none_match", "if_modified_since", "if_unmodified_since"]
)
def test_a_conditional_put_is_refused_before_anything_is_sent(argument: str) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, source):
        with pytest.raises(errors.UsageError, match=f"no {argument} when it writes"):
            bucket.put("k", b"", **{argument: '"5B3C"'})  # type: ignore[arg-type]  # for types it is wrong too
        with pytest.raises(TypeError, match="overwrite"):
            bucket.put("k", b"", overwrite=True)  # type: ignore[arg-type]  # a slip of the pen
    assert stage.asked == []
    assert source.asked == []


@pytest.mark.parametrize("text", ["", "a\r\nX: y", "ä", " a", "a\x00"])
def test_headers_cannot_be_injected(text: str) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _):
        with pytest.raises(errors.UsageError):
            bucket.put("k", b"", content_type=text)
        with pytest.raises(errors.UsageError):
            bucket.put("k", b"", metadata={"a": text})
        with pytest.raises(errors.UsageError):
            bucket.put("k", b"", metadata={text: "a"})
    assert stage.asked == []


@pytest.mark.parametrize("name", ["", "-", "a b", "ä", 5, None])
@pytest.mark.parametrize("value", ["", "a b ", 5, None])
def test_metadata_that_is_none(name: str, value: str) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _):
        for metadata in ({name: "a"}, {"a": value}, {"a": "1", "A": "2"}):
            with pytest.raises(errors.UsageError):
                bucket.put("k", b"", metadata=metadata)
        with pytest.raises(errors.UsageError):
            bucket.put("k", b"", content_type=value or "")
    assert stage.asked == []


def test_a_style_that_is_none() -> None:
    with pytest.raises(errors.UsageError, match="virtual, path, cname"):
        connect("https://sts.example.com", grant="g", token="t", style="pth")  # type: ignore[arg-type]  # a slip of the pen


@pytest.mark.parametrize("text", ["\udcff", 5])
def test_prefixes_that_are_no_text(text: str) -> None:
    with opened(lambda _: stored(b"")) as (bucket, stage, _):
        for listing in (bucket.list(text), bucket.list(delimiter=text)):
            with pytest.raises(errors.UsageError):
                list(listing)
    assert stage.asked == []


def test_a_put_that_was_stored_damaged() -> None:
    with (
        opened(lambda _: stored(b"other")) as (bucket, _, _),
        pytest.raises(errors.ChecksumMismatch, match="put it again"),
    ):
        bucket.put("k", b"abc")


def test_file_already_exists() -> None:
    with (
        opened(lambda _: refusal("FileAlreadyExists", 409)) as (bucket, _, _),
        pytest.raises(errors.FileAlreadyExists),
    ):
        bucket.put("k", b"", forbid_overwrite=True)


@pytest.mark.parametrize(
    "code", ["SecurityTokenExpired", "InvalidSecurityToken", "InvalidAccessKeyId"]
)
def test_a_lease_that_oss_calls_over_is_replaced_once(code: str) -> None:
    def answer(asked: Asked) -> Answer:
        if "Credential=STS.2/" in asked.headers["Authorization"]:
            return stored(b"new" if asked.method == "GET" else asked.body)
        return refusal(code, head=asked.method == "HEAD")

    calls: list[Callable[[Bucket], object]] = [
        lambda bucket: bucket.get("k").read(),
        lambda bucket: bucket.head("k"),
        lambda bucket: bucket.put("k", b"new"),
        lambda bucket: bucket.put("k", io.BytesIO(b"new")),
        lambda bucket: bucket.delete("k"),
    ]
    for call in calls:
        with opened(answer, numbered(1), numbered(2)) as (bucket, stage, source):
            call(bucket)
            assert source.asked == [None, "STS.1"]
            assert len(stage.asked) == 2
            assert stage.asked[0].body == stage.asked[1].body


def test_a_clock_that_was_set_is_met_with_a_new_offset() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.headers["x-oss-date"] == "20251201T093000Z":
            return stored(asked.body)
        return refusal("RequestTimeTooSkewed", head=asked.method == "HEAD")

    def shifted(seconds: float) -> Callable[[str], Lease]:
        return lambda url: lease(1, endpoint=url, offset=seconds, expiry=NOW + 9999)

    calls: list[Callable[[Bucket], object]] = [
        lambda bucket: bucket.get("k"),
        lambda bucket: bucket.head("k"),
        lambda bucket: bucket.put("k", b"new"),
    ]
    for call in calls:
        with opened(answer, shifted(0), shifted(3600)) as (bucket, stage, source):
            call(bucket)
            assert source.asked == [None, None]
            assert len(stage.asked) == 2
        with opened(answer, shifted(0), shifted(1)) as (bucket, stage, source):
            with pytest.raises(errors.RequestTimeTooSkewed):
                call(bucket)
            assert len(stage.asked) == 2
    with opened(answer, shifted(0), shifted(3600)) as (bucket, stage, _):
        with pytest.raises(errors.RequestTimeTooSkewed, match="put it again"):
            bucket.put("k", iter([b"new"]))
        bucket.put("k", iter([b"new"]))
        assert len(stage.asked) == 2


def test_a_kept_connection_that_is_closed_costs_nothing() -> None:
    def answer(asked: Asked) -> Answer:
        return stored(asked.body) if answers.pop(0) else Answer(dropped=True)

    def put(key: str) -> object:
        return bucket.put(key, b"abc")

    with opened(answer) as (bucket, _, _):
        for call in (bucket.get, bucket.head, put):
            answers = [True, False, True]
            call("k")
            call("k")
            assert answers == []


@pytest.mark.parametrize("failing", [Answer(dropped=True), Answer(503), Answer(500), Answer(429)])
def test_what_may_pass_is_tried_three_times_and_no_more(failing: Answer) -> None:
    def put(key: str) -> object:
        return bucket.put(key, io.BytesIO(b"abc"))

    with opened(lambda _: failing) as (bucket, stage, _):
        for call in (bucket.get, bucket.head, put, bucket.delete):
            stage.asked.clear()
            with pytest.raises((errors.ConnectFailed, errors.OssError)):
                call("k")
            assert len(stage.asked) == 3
        assert stage.asked[-1].method == "DELETE"


@pytest.mark.parametrize("failing", [Answer(dropped=True), Answer(503)])
def test_what_may_not_be_said_twice_is_not(failing: Answer) -> None:
    with opened(lambda _: failing) as (bucket, stage, _):
        with pytest.raises((errors.ConnectFailed, errors.OssError)):
            bucket.put("k", b"abc", forbid_overwrite=True)  # it might meet itself
        with pytest.raises((errors.ConnectFailed, errors.OssError)):
            bucket.put("k", iter([b"abc"]))  # there is nothing left to send
        assert len(stage.asked) == 2


def test_an_attempt_after_a_failure_sends_all_of_the_data(tmp_path: Path) -> None:
    answers = [Answer(503), Answer(dropped=True), None]
    (tmp_path / "data").write_bytes(b"0123456789")

    def answer(asked: Asked) -> Answer:
        return answers.pop(0) or stored(asked.body)

    with opened(answer) as (bucket, stage, _), (tmp_path / "data").open("rb") as file:
        file.seek(3)
        bucket.put("k", file)
    assert {asked.body for asked in stage.asked} == {b"3456789"}


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 0.2), (2, 0.4), (5, 3.2), (6, 5.0), (9999, 5.0)]
)
def test_pauses_grow_and_have_an_end(failures: int, most: float) -> None:
    assert pause(failures, 0.0) == 0.0
    assert pause(failures, 1.0) == pytest.approx(most)


def test_a_new_lease_may_lead_elsewhere() -> None:
    with (
        serving(lambda _: stored(b"new")) as second,
        opened(by_key("STS.2"), numbered(1), lambda _: lease(2, endpoint=second.url)) as (b, _, _),
    ):
        assert b.get("k").read() == b"new"
        assert len(second.asked) == 1


def test_a_page_and_an_error_have_an_end() -> None:
    def endless() -> Iterator[bytes]:
        for number in range(2000):
            sent.append(number)
            yield b" " * 65_536

    sent: list[int] = []
    with (
        opened(lambda _: Answer(200, more=endless())) as (bucket, _, _),
        pytest.raises(errors.BadAnswer, match="larger than"),
    ):
        list(bucket.list())
    assert len(sent) < 1000
    sent.clear()
    with (
        opened(lambda _: Answer(403, more=endless())) as (bucket, _, _),
        pytest.raises(errors.OssError, match="HTTP 403"),
    ):
        bucket.get("k")
    assert len(sent) < 1000


def test_of_a_file_that_grows_as_much_is_sent_as_was_announced() -> None:
    class Growing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            here = self.tell()
            self.seek(0, io.SEEK_END)
            self.write(b"more")
            self.seek(here)
            return super().read(size)

    with opened(lambda asked: stored(asked.body)) as (bucket, stage, _):
        bucket.put("k", Growing(b"abc"))
        bucket.put("k", b"next")
    assert [asked.body for asked in stage.asked] == [b"abc", b"next"]


def test_one_connection_serves_for_all() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.target.endswith("refused"):
            return refusal("AccessDenied", head=asked.method == "HEAD")
        if "If-None-Match" in asked.headers:
            return Answer(304)
        if asked.method == "DELETE":
            return Answer(204)
        return Answer(body=LAST_PAGE.encode()) if "?" in asked.target else stored(asked.body)

    with opened(answer) as (bucket, stage, _):
        for _ in range(3):
            bucket.get("k")
            bucket.get("k", if_none_match='"5B3C"')
            bucket.head("k")
            bucket.head("k", if_none_match='"5B3C"')
            bucket.put("k", b"abc")
            bucket.delete("k")
            list(bucket.list())
            for call in (bucket.get, bucket.head, bucket.delete):
                with pytest.raises(errors.AccessDenied):
                    call("refused")
        assert len(stage.connections) == 1


def test_a_body_that_stops_coming() -> None:
    hold = threading.Event()
    headers = stored(BIG).headers
    with serving(lambda _: Answer(200, headers, BIG[:-2], length=len(BIG), hold=hold)) as stage:
        provider = Provider(Queue(lease(1, endpoint=stage.url)), clock=lambda: NOW)
        with Bucket(provider, Objects(provider, timeout=(1.0, 0.1))) as bucket:
            found = bucket.get("k")
            for _ in range(2):
                with pytest.raises(errors.TimedOut, match="stopped coming"):
                    found.read()
        hold.set()


def test_a_failed_read_fails_again_and_never_looks_like_the_end() -> None:
    with opened(lambda _: Answer(200, stored(BIG).headers, BIG[:-2], length=len(BIG))) as (
        bucket,
        _,
        _,
    ):
        found = bucket.get("k")
        for _ in range(2):
            with pytest.raises(errors.TruncatedBody):
                found.read()
        found.close()
        with pytest.raises(errors.TruncatedBody):
            found.read()


@pytest.mark.parametrize("body", [b"small", BIG], ids=["small", "big"])
def test_a_closed_object_is_not_at_its_end(body: bytes) -> None:
    with opened(lambda _: stored(body)) as (bucket, _, _):
        with bucket.get("k") as found:
            found.read(1)
        with pytest.raises(errors.UsageError, match="closed before"):
            found.read()
        with bucket.get("k") as found:
            found.read()
        assert found.read() == b""


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_hosts_that_cannot_be(host: str) -> None:
    with (
        opened(lambda _: stored(b""), lambda _: lease(1, endpoint=f"https://{host}")) as (b, _, _),
        pytest.raises(errors.NetworkError),
    ):
        b.get("k")


@pytest.mark.parametrize(
    "endpoint", ["http://oss.example.com", "https://h/bucket", "ftp://h", "a b"]
)
def test_endpoints_that_are_none(endpoint: str) -> None:
    with pytest.raises(errors.UsageError, match="the OSS endpoint"):
        connect("https://sts.example.com", grant="g", token="t", endpoint=endpoint)


def test_a_second_refusal_is_raised() -> None:
    with (
        opened(by_key("STS.3"), numbered(1), numbered(2)) as (bucket, stage, _),
        pytest.raises(errors.SecurityTokenExpired),
    ):
        bucket.get("k")
    assert len(stage.asked) == 2


def test_a_body_that_cannot_be_sent_twice_is_not() -> None:
    with opened(by_key("STS.2"), numbered(1), numbered(2)) as (bucket, stage, source):
        with pytest.raises(errors.SecurityTokenExpired, match="put it again"):
            bucket.put("k", iter([b"abc"]))
        assert len(stage.asked) == 1
        assert source.asked == [None, "STS.1"]
        assert bucket.get("k").read() == b"new"  # what comes next has the new lease


def test_other_refusals_are_not_tried_again() -> None:
    with (
        opened(lambda _: refusal("AccessDenied"), numbered(1), numbered(2)) as (bucket, stage, _),
        pytest.raises(errors.AccessDenied),
    ):
        bucket.get("k")
    assert len(stage.asked) == 1


CODES = [
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type)
    and issubclass(kind, errors.OssError)
    and kind is not errors.ObjectChanged  # our own word
]


@pytest.mark.parametrize("code", [*CODES, "InternalError", "MethodNotAllowed"])
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "list"])
def test_no_refusal_says_what_oss_wrote(code: str, method: str) -> None:
    def answer(asked: Asked) -> Answer:
        return refusal(code, 403, head=asked.method == "HEAD")

    with opened(answer) as (bucket, _, _):
        calls: dict[str, Callable[[], object]] = {
            "get": lambda: bucket.get("k"),
            "head": lambda: bucket.head("k"),
            "put": lambda: bucket.put("k", b""),
            "delete": lambda: bucket.delete("k"),
            "list": lambda: list(bucket.list()),
        }
        with pytest.raises(errors.OssError) as caught:
            calls[method]()
    error = caught.value
    assert type(error).__name__ == (code if code in CODES else "OssError")
    if code != "OssError":
        assert (error.code, error.ec) == (code, "0002-00000007")
    assert error.request_id == "5C3D9175B6FC201293AD4890"
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert "leaks" not in text
    assert not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {}, b"<html>oops"),
        Answer(404, {}, b"<Error><Code>bad code " + TOKEN.encode() + b"</Code></Error>"),
        Answer(403, {"x-oss-err": "%%%"}),
        Answer(400, {}, b"\xff" * 100_000),
        Answer(307, {"Location": "http://127.0.0.1:9/"}),
        Answer(206, {}, b""),
        Answer(204, {}, b""),
    ],
)
def test_answers_that_are_no_oss(answer: Answer) -> None:
    with (
        opened(lambda _: answer) as (bucket, stage, _),
        pytest.raises(errors.OssError) as caught,
    ):
        bucket.get("k")
    assert caught.value.code == ""
    assert TOKEN not in str(caught.value)
    assert len(stage.asked) == (3 if answer.status == 500 else 1)


def test_credentials_do_not_follow_a_redirect() -> None:
    with serving(lambda _: stored(b"")) as thief:
        with (
            opened(lambda _: Answer(307, {"Location": thief.url})) as (bucket, _, _),
            pytest.raises(errors.OssError, match="redirect"),
        ):
            bucket.get("k")
        assert thief.asked == []


def test_netrc_and_cookies_play_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with opened(lambda _: stored(b"", Set_Cookie="a=b")) as (bucket, stage, _):
        bucket.get("k")
        bucket.get("k")
    assert all(a.headers["Authorization"].startswith("OSS4-HMAC-SHA256 ") for a in stage.asked)
    assert all("Cookie" not in asked.headers for asked in stage.asked)


def test_nobody_there() -> None:
    with serving(lambda _: stored(b"")) as gone:
        pass
    with (
        opened(lambda _: stored(b""), lambda _: lease(1, endpoint=gone.url)) as (bucket, _, _),
        pytest.raises(errors.ConnectFailed, match=gone.url) as caught,
    ):
        bucket.get("k")
    text = "".join(traceback.format_exception(caught.value))
    assert "urllib3" not in text
    assert "httpcore" not in text
    assert caught.value.__context__ is None
    assert not any(secret in text for secret in SECRETS)


FIRST_PAGE = """
<ListBucketResult>
  <EncodingType>url</EncodingType>
  <IsTruncated>true</IsTruncated>
  <NextContinuationToken>next+/=</NextContinuationToken>
  <Contents>
    <Key>users%2Falice%2Fb%20c</Key><LastModified>2025-12-01T08:30:00.000Z</LastModified>
    <ETag>"5B3C"</ETag><Size>3</Size><StorageClass>Standard</StorageClass>
  </Contents>
  <CommonPrefixes><Prefix>users%2Falice%2Fa%2F</Prefix></CommonPrefixes>
</ListBucketResult>
"""
LAST_PAGE = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def test_list_fetches_pages_when_they_are_reached() -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(
            body=(LAST_PAGE if "continuation-token" in asked.target else FIRST_PAGE).encode()
        )

    with opened(answer) as (bucket, stage, _):
        listing = bucket.list(delimiter="/")
        assert stage.asked == []
        assert next(listing) == Folder("users/alice/a/")
        entry = next(listing)
        assert len(stage.asked) == 1
        assert list(listing) == []
    when = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
    assert entry == Entry("users/alice/b c", 3, '"5B3C"', when, "Standard")
    assert stage.asked[0].target == (
        "/examplebucket/?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000"
        "&prefix=users%2Falice%2F"
    )
    assert "continuation-token=next%2B%2F%3D" in stage.asked[1].target


ENTRY = """<Contents><Key>k</Key><LastModified>2025-12-01T08:30:00.000Z</LastModified><ETag>"5B3C"</ETag>
<Size>3</Size></Contents>"""
BOMB = (
    f"<!DOCTYPE a [<!ENTITY b '{'b' * 50_000}'>]><ListBucketResult><IsTruncated>false"
    f"</IsTruncated>{ENTRY.replace('>k<', '>' + '&b;' * 100 + '<')}</ListBucketResult>"
)


def page(inner: str, tag: str = "ListBucketResult") -> bytes:
    return f"<{tag}>{inner}</{tag.partition(' ')[0]}>".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"<?xml version='1.0' encoding='x'?><a/>",
        b"<html><body>welcome</body></html>",
        b"<Error><Code>NoSuchBucket</Code></Error>",
        page("<IsTruncated>false</IsTruncated>", "a"),
        page("<IsTruncated>false</IsTruncated>", "ListBucketResult xmlns='urn:x'"),
        page(""),
        page("<IsTruncated/>"),
        page("<IsTruncated>True</IsTruncated>"),
        page("<IsTruncated>true</IsTruncated>"),
        page("<IsTruncated>true</IsTruncated><NextContinuationToken/>"),
        page("<IsTruncated>false</IsTruncated><Contents/>"),
        page("<IsTruncated>false</IsTruncated>" + ENTRY.replace(">3<", ">-3<")),
        page("<IsTruncated>false</IsTruncated>" + ENTRY.replace(">3<", "> 3<")),
        page("<IsTruncated>false</IsTruncated>" + ENTRY.replace("000Z", "000")),
        page(
            "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
            + ENTRY.replace(">k<", ">%FF<")
        ),
        BOMB.encode(),
        ("<?xml version='1.0' encoding='utf-16'?>" + BOMB).encode("utf-16"),
    ],
)
def test_listings_that_are_none(body: bytes) -> None:
    with opened(lambda _: Answer(body=body)) as (bucket, _, _), pytest.raises(errors.BadAnswer):
        list(bucket.list())


def test_a_listing_as_small_as_can_be() -> None:
    body = page("<IsTruncated>false</IsTruncated>" + ENTRY)
    with opened(lambda _: Answer(body=body)) as (bucket, _, _):
        assert [entry.key for entry in bucket.list() if isinstance(entry, Entry)] == ["k"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_listing_that_goes_in_a_circle(count: int) -> None:
    def answer(_: Asked) -> Answer:
        token = f"t{next(turns) % count}"
        return Answer(
            body=page(
                f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}"
                "</NextContinuationToken>"
            )
        )

    turns = iter(range(9))
    with (
        opened(answer) as (bucket, stage, _),
        pytest.raises(errors.BadAnswer, match="circle"),
    ):
        list(bucket.list())
    assert len(stage.asked) == count + 1


def test_an_answer_that_drips() -> None:
    def answer(asked: Asked) -> Answer:
        status = 403 if asked.method == "DELETE" else 200
        return Answer(status, more=(b" " for _ in range(50_000)))

    with serving(answer) as stage:
        provider = Provider(Queue(lease(1, endpoint=stage.url)), clock=lambda: NOW)
        ticks = itertools.count()
        objects = Objects(provider, patience=3.0, stopwatch=lambda: float(next(ticks)))
        with Bucket(provider, objects) as bucket:
            with pytest.raises(errors.TimedOut, match="within 3 seconds"):
                list(bucket.list())
            with pytest.raises(errors.OssError, match="HTTP 403"):
                bucket.delete("k")
            bucket.put("k", b"")
        assert next(ticks) < 30


def test_a_listing_that_breaks_off() -> None:
    with (
        opened(lambda _: Answer(body=LAST_PAGE.encode(), length=999)) as (bucket, _, _),
        pytest.raises(errors.TruncatedBody),
    ):
        list(bucket.list())


def test_an_error_that_breaks_off_is_still_a_refusal() -> None:
    with (
        opened(lambda _: Answer(403, {"x-oss-ec": "0003-00000201"}, b"<Err", length=999)) as (
            b,
            _,
            _,
        ),
        pytest.raises(errors.OssError) as caught,
    ):
        b.get("k")
    assert (caught.value.status, caught.value.ec) == (403, "0003-00000201")


def test_shows_no_secret_and_does_not_travel(shell: str) -> None:
    only_threads(shell)
    with opened(lambda _: stored(b"")) as (bucket, _, _):
        found = bucket.get("k")
        for thing in (bucket, bucket.provider, bucket.provider.lease(), found):
            assert not any(secret in repr(thing) + str(thing) for secret in SECRETS)
        with pytest.raises(TypeError):
            pickle.dumps(bucket)
    assert SECRET


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection(shell: str) -> None:
    only_threads(shell)
    with opened(lambda asked: stored(asked.target.encode())) as (bucket, _, _):
        bucket.get("parent")
        child = os.fork()
        if child == 0:
            mine = all(bucket.get("child").read().endswith(b"child") for _ in range(20))
            os._exit(0 if mine else 1)
        assert all(bucket.get("parent").read().endswith(b"parent") for _ in range(20))
        assert os.waitpid(child, 0)[1] == 0
