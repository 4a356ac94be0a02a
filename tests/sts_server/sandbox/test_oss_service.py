"""OSS in memory: the order of its checks, cut bodies, full disks, and clients that go away."""

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from sts_server.sandbox.accounts import User
from sts_server.sandbox.store.body import CreateFile, create_file
from tests.sts_server.sandbox.house import ACCOUNT, NOW, House

Build = Callable[..., House]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    houses: list[House] = []

    def one(create: CreateFile = create_file, now: datetime = NOW) -> House:
        houses.append(House(tmp_path, create, now))
        return houses[-1]

    yield one
    for house in houses:
        house.store.close()


def test_put_then_get(build: Build) -> None:
    house = build()
    put = house.ask("PUT", "/bkt/a/x", (b"he", b"llo"), headers={"content-type": "text/plain"})
    assert (put.status, put.headers["ETag"]) == (200, '"5D41402ABC4B2A76B9719D911017C592"')
    got = house.ask("GET", "/bkt/a/x")
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["Last-Modified"] == "Mon, 01 Dec 2025 08:30:00 GMT"
    assert got.headers["Content-Type"] == "text/plain"
    assert len(got.headers["x-oss-request-id"]) == 24


def test_a_large_object_is_sent_in_pieces(build: Build) -> None:
    house = build()
    body = os.urandom(1_300_000)
    house.ask("PUT", "/bkt/a/x", (body[:700_000], body[700_000:]))
    assert house.ask("GET", "/bkt/a/x").body == body


def test_the_answer_may_be_dressed_otherwise(build: Build) -> None:
    house = build()
    house.ask("PUT", "/bkt/a/x", (b"x",))
    got = house.ask("GET", "/bkt/a/x?response-content-type=text%2Fcsv&response-expires=never")
    assert (got.headers["Content-Type"], got.headers["Expires"]) == ("text/csv", "never")


def test_nobody_writes_headers_through_the_query(build: Build) -> None:
    house = build()
    house.ask("PUT", "/bkt/a/x", (b"x",))
    reply = house.ask("GET", "/bkt/a/x?response-content-type=a%0D%0AX-Evil:%201")
    assert reply.error[:2] == (400, "InvalidArgument")


def test_a_304_says_nothing_about_the_object(build: Build) -> None:
    house = build()
    etag = house.ask("PUT", "/bkt/a/x", (b"x",)).headers["ETag"]
    got = house.ask("GET", "/bkt/a/x", headers={"if-none-match": etag})
    assert (got.status, got.body) == (304, b"")
    assert set(got.headers) == {"Server", "x-oss-request-id", "x-oss-server-time"}


def test_an_error_to_head_travels_in_a_header(build: Build) -> None:
    reply = build().ask("HEAD", "/bkt/a/missing")
    assert reply.body == b""
    assert reply.error == (404, "NoSuchKey", "0026-00000001")


def test_the_order_of_checks(build: Build) -> None:
    """Each request is wrong in all the ways that follow; the first one in order is said."""
    house = build()
    late = {"x-oss-date": "20251201T090000Z"}
    stranger = User("n", ACCOUNT, "LTAInobody", "x", ())
    liar = User("n", ACCOUNT, house.user.access_key_id, "x", ())
    codes = [
        house.ask("GET", "/nowhere/b", who=stranger, headers=late).error[1],
        house.ask("GET", "/bkt/b", who=stranger, headers=late).error[1],
        house.ask("GET", "/bkt/b", who=liar, headers=late).error[1],
        house.ask("GET", "/bkt/b", who=liar, headers={"if-match": "x"}).error[1],
        house.ask("GET", "/bkt/b", who=house.user, headers={"if-match": "x"}).error[1],
        house.ask("GET", "/bkt/a/b", headers={"if-match": "x", "range": "bytes=9-"}).error[1],
    ]
    assert codes == [
        "NoSuchBucket",
        "InvalidAccessKeyId",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "AccessDenied",
        "NoSuchKey",
    ]


@pytest.mark.parametrize(
    ("header", "value", "ec"),
    [
        ("x-oss-date", "20251202T083000Z", "0002-00000223"),
        ("x-oss-content-sha256", "e3b0c442", "0000-00000000"),
    ],
)
def test_what_the_scope_and_the_payload_header_must_say(
    build: Build, header: str, value: str, ec: str
) -> None:
    """The clock agrees with the date, so that only the scope, of the day before, is wrong."""
    house = build(now=NOW + timedelta(days=1) if header == "x-oss-date" else NOW)
    reply = house.ask("GET", "/bkt/a/x", headers={header: value})
    assert reply.error == (400, "InvalidArgument", ec)


def test_conditions_come_before_ranges(build: Build) -> None:
    house = build()
    house.ask("PUT", "/bkt/a/x", (b"x",))
    wish = {"range": "bytes=9-", "x-oss-range-behavior": "standard"}
    assert (
        house.ask("GET", "/bkt/a/x", headers={"if-match": "y", **wish}).error[1]
        == "PreconditionFailed"
    )
    assert house.ask("GET", "/bkt/a/x", headers=wish).error[1] == "InvalidRange"


def test_virtual_time_ages_tokens_but_not_requests(build: Build) -> None:
    house = build()
    house.clock.advance(timedelta(minutes=59))
    assert house.ask("GET", "/bkt/a/x").error[1] == "NoSuchKey"
    house.clock.advance(timedelta(minutes=1))
    assert house.ask("GET", "/bkt/a/x").error == (403, "SecurityTokenExpired", "0002-00000007")


@pytest.mark.parametrize("action", ["DELETE", "GET"])
def test_what_the_session_policy_leaves_out(build: Build, action: str) -> None:
    path = "/bkt/a/x" if action == "DELETE" else "/bkt?list-type=2&prefix=a%2F"
    assert build().ask(action, path).error == (403, "AccessDenied", "0003-00000201")


def test_a_cut_upload_leaves_nothing(build: Build) -> None:
    house = build()
    reply = house.ask("PUT", "/bkt/a/x", (b"half", None), headers={"content-length": "8"})
    assert reply.status == 0
    assert house.bodies() == []
    assert house.ask("GET", "/bkt/a/x").error[1] == "NoSuchKey"


def test_a_digest_that_differs_leaves_nothing(build: Build) -> None:
    house = build()
    reply = house.ask(
        "PUT", "/bkt/a/x", (b"x",), headers={"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    )
    assert reply.error[:2] == (400, "InvalidDigest")
    assert house.bodies() == []


def test_a_full_disk_is_an_internal_error(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    def full(_path: Path) -> BinaryIO:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    house = build(full)
    with caplog.at_level(logging.ERROR):
        reply = house.ask("PUT", "/bkt/a/x", (b"x",))
    assert reply.error[:2] == (500, "InternalError")
    assert [record.getMessage() for record in caplog.records] == [
        "the data folder is full: No space left on device"
    ]
    assert caplog.records[0].exc_info is None
    assert house.bodies() == []


def test_a_reader_that_leaves_ends_the_transfer(build: Build) -> None:
    house = build()
    house.ask("PUT", "/bkt/a/x", (b"x" * 5_000_000,))
    reply = house.ask("GET", "/bkt/a/x", (b"", None))
    assert len(reply.body) < 5_000_000


def test_too_large_a_length_is_refused_unread(build: Build) -> None:
    reply = build().ask("PUT", "/bkt/a/x", (), headers={"content-length": str(5 * 1024**3 + 1)})
    assert reply.error[:2] == (400, "EntityTooLarge")


def test_of_concurrent_writers_that_forbid_overwriting_one_wins(build: Build) -> None:
    house = build()

    async def all_at_once() -> list[int]:
        wish = {"content-length": "1", "x-oss-forbid-overwrite": "true"}
        scopes = [house.scope("PUT", "/bkt/a/x", wish, house.session) for _ in range(16)]
        replies = await asyncio.gather(*(house.send(scope, (b"x",)) for scope in scopes))
        return sorted(reply.status for reply in replies)

    assert asyncio.run(all_at_once()) == [200] + [409] * 15
    assert len(house.bodies()) == 1


def test_the_log_says_what_happened(build: Build) -> None:
    house = build()
    house.ask("GET", "/bkt/a/x", headers={"if-none-match": '"e"'})
    (seen,) = house.log.as_json()
    assert (seen["operation"], seen["status"], seen["code"]) == ("GetObject", 404, "NoSuchKey")
    assert seen["access_key_id"] == house.session.access_key_id
    assert seen["headers"] == {"if-none-match": '"e"', "x-oss-date": "20251201T083000Z"}
