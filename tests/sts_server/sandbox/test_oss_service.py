"""OSS in memory: the order of its checks, cut bodies, full disks, and clients that go away."""

import asyncio
import base64
import errno
import hmac
import logging
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import pytest

from sts_server.sandbox.accounts import Accounts, Role, Session, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.oss.request import read_request
from sts_server.sandbox.oss.service import OssService
from sts_server.sandbox.oss.signature import canonical_requests, signing_key, string_to_sign
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.store.body import CreateFile, create_file
from sts_server.sandbox.store.store import Store

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
ACCOUNT = "1234567890123456"
NOTHING = parse_policy('{"Version":"1","Statement":[]}')
Message = MutableMapping[str, Any]


def allow(*actions: str) -> str:
    names = ",".join(f'"oss:{action}"' for action in actions)
    return (
        '{"Version":"1","Statement":[{"Effect":"Allow","Resource":"acs:oss:*:*:bkt/a/*",'
        f'"Action":[{names}]}}]}}'
    )


@dataclass
class Reply:
    """What was sent back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and EC, from the body or from `x-oss-err`."""
        text = self.body or base64.b64decode(self.headers["x-oss-err"])
        root = ET.fromstring(text)
        return self.status, root.findtext("Code", ""), root.findtext("EC", "")


class House:
    """One OSS whose clock stands still, with a session that may get and put below `a/`."""

    def __init__(self, folder: Path, create: CreateFile = create_file) -> None:
        self.folder = folder
        self.clock = Clock(real=lambda: NOW)
        self.store = Store(folder, self.clock, create=create)
        self.store.add_bucket("bkt")
        trust = parse_trust_policy('{"Version":"1","Statement":[]}')
        everything = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        role = Role("r", ACCOUNT, trust, (parse_policy(everything),))
        self.user = User("u", ACCOUNT, "LTAIuser", "user-secret", (NOTHING,))
        self.accounts = Accounts([self.user], [role], self.clock)
        policy = parse_policy(allow("GetObject", "PutObject"))
        self.session = self.accounts.assume(role, "s", timedelta(hours=1), policy)
        self.log = RequestLog()
        self.service = OssService(
            self.store, self.accounts, self.clock, self.log, region="cn-hangzhou", owner=ACCOUNT
        )

    def scope(
        self, method: str, path: str, headers: Mapping[str, str], who: User | Session
    ) -> dict[str, Any]:
        token = {"x-oss-security-token": who.security_token} if isinstance(who, Session) else {}
        given = {
            "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
            "x-oss-date": "20251201T083000Z",
            **token,
            **headers,
        }
        raw, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "raw_path": quote(raw).encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            "client": ("127.0.0.1", 1),
        }
        place = "20251201/cn-hangzhou/oss/aliyun_v4_request"
        canonical = next(canonical_requests(read_request(scope), ()))
        text = string_to_sign(given["x-oss-date"], place, canonical)
        key = signing_key(who.access_key_secret, place)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={who.access_key_id}/{place}"
        authorization = f"OSS4-HMAC-SHA256 {credential},Signature={signature}"
        scope["headers"].append((b"authorization", authorization.encode()))
        return scope

    def ask(
        self,
        method: str,
        path: str,
        pieces: tuple[bytes | None, ...] = (b"",),
        who: User | Session | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; a piece that is None is a client that goes away."""
        named = dict(headers or {})
        if method == "PUT" and None not in pieces:
            named.setdefault("content-length", str(sum(len(piece or b"") for piece in pieces)))
        scope = self.scope(method, path, named, who or self.session)
        return asyncio.run(self.send(scope, pieces))

    async def send(self, scope: dict[str, Any], pieces: tuple[bytes | None, ...]) -> Reply:
        reply = Reply()
        waiting = list(pieces)

        async def receive() -> Message:
            if not waiting:
                await asyncio.Event().wait()
            piece = waiting.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            reply.body += message.get("body", b"")

        await self.service(scope, receive, send)
        return reply


Build = Callable[..., House]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    houses: list[House] = []

    def one(create: CreateFile = create_file) -> House:
        houses.append(House(tmp_path, create))
        return houses[-1]

    yield one
    for house in houses:
        house.store.close()


def bodies(house: House) -> list[str]:
    return [path.name for path in (house.folder / "bodies").iterdir()]


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
    assert bodies(house) == []
    assert house.ask("GET", "/bkt/a/x").error[1] == "NoSuchKey"


def test_a_digest_that_differs_leaves_nothing(build: Build) -> None:
    house = build()
    reply = house.ask(
        "PUT", "/bkt/a/x", (b"x",), headers={"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    )
    assert reply.error[:2] == (400, "InvalidDigest")
    assert bodies(house) == []


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
    assert bodies(house) == []


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
    assert len(bodies(house)) == 1


def test_the_log_says_what_happened(build: Build) -> None:
    house = build()
    house.ask("GET", "/bkt/a/x", headers={"if-none-match": '"e"'})
    (seen,) = house.log.as_json()
    assert (seen["operation"], seen["status"], seen["code"]) == ("GetObject", 404, "NoSuchKey")
    assert seen["access_key_id"] == house.session.access_key_id
    assert seen["headers"] == {"if-none-match": '"e"', "x-oss-date": "20251201T083000Z"}
