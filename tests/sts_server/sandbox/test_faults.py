"""Faults: what the gate does to a scripted service."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.faults.book import Book
from sts_server.sandbox.faults.gate import Gate
from sts_server.sandbox.faults.rule import Rule
from sts_server.sandbox.oss.answer import Receive, Send
from sts_server.sandbox.seen import RequestLog

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)


class House:
    """A gate around an OSS that echoes the body, and an STS that echoes the form."""

    def __init__(self, **rule: Any) -> None:
        self.clock = Clock(real=lambda: NOW)
        self.log = RequestLog()
        self.slept: list[float] = []
        self.judged: list[datetime] = []
        self.served: list[bytes | None] = []
        self.cuts = 0
        self.sent: list[Any] = []
        self.book = Book()
        self.book.add(Rule(**rule))
        self.gate = Gate(
            self.book, self.clock, self.log, sleep=self.sleep, draw=lambda below: below - 1
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def cut(self) -> None:
        self.cuts += 1

    async def echo(self, _scope: Mapping[str, Any], body: bytes, send: Send) -> None:
        self.judged.append(self.clock.real())
        self.served.append(body)
        headers = [
            (b"content-length", str(len(body)).encode()),
            (b"x-oss-hash-crc64ecma", b"6"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def run(self, serving: Awaitable[None]) -> None:
        async def wait() -> None:
            await serving

        asyncio.run(wait())

    async def oss(self, _scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.served.append(None)
                raise DisconnectedError
            body += message["body"]
            more = message["more_body"]
        await self.echo({}, body, send)

    def scope(self, query: bytes = b"", method: str = "PUT") -> dict[str, Any]:
        return {
            "type": "http",
            "method": method,
            "scheme": "http",
            "raw_path": b"/bkt/a.txt",
            "query_string": query,
            "headers": [(b"host", b"127.0.0.1:1")],
            "client": None,
            "extensions": {"sandbox.cut": {"abort": self.cut, "close": self.cut}},
        }

    def ask(self, *pieces: bytes, method: str = "PUT") -> bytes:
        """Send one OSS request and give all body bytes that came back."""
        waiting = list(pieces) or [b""]

        async def receive() -> dict[str, Any]:
            piece = waiting.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

        self.run(self.gate.oss(self.oss)(self.scope(method=method), receive, self.send))
        return self.body()

    def call(self, form: bytes, query: bytes = b"") -> bytes:
        """Make one STS call and give all body bytes that came back."""
        self.run(self.gate.sts(self.echo)(self.scope(query, "POST"), form, self.send))
        return self.body()

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def test_latency_comes_before_all_else() -> None:
    house = House(latency=2.5, status=503, code="ServiceUnavailable")
    assert b"<Code>ServiceUnavailable</Code>" in house.ask(b"x")
    assert (house.slept, house.served) == ([2.5], [])
    [seen] = house.log.as_json()
    assert (seen["service"], seen["operation"]) == ("oss", "PutObject")
    assert (seen["status"], seen["code"]) == (503, "ServiceUnavailable")


def test_a_head_gets_its_error_in_a_header() -> None:
    house = House(status=503, code="ServiceUnavailable")
    assert house.ask(method="HEAD") == b""
    assert b"x-oss-err" in dict(house.sent[0]["headers"])


@pytest.mark.parametrize(
    ("form", "query", "starts"),
    [
        (b"Action=AssumeRole&Format=JSON", b"", b"{"),
        (b"", b"Action=AssumeRole&Format=json", b"{"),
        (b"Action=AssumeRole", b"", b"<?xml"),
    ],
)
def test_sts_is_throttled_in_the_form_it_was_asked_for(
    form: bytes, query: bytes, starts: bytes
) -> None:
    house = House(
        service="sts", operation="AssumeRole", status=400, code="Throttling.User", message="slow"
    )
    body = house.call(form, query)
    assert body.startswith(starts)
    assert b"Throttling.User" in body
    if starts == b"{":
        assert json.loads(body)["Message"] == "slow"


@pytest.mark.parametrize(
    ("rule", "served", "body", "cuts"),
    [
        ({"cut": "before"}, [], b"", 1),
        ({"cut": "inside"}, [None], b"", 1),
        ({"cut": "after"}, [b"abcd"], b"", 1),
        ({"truncate": 3}, [b"abcd"], b"abc", 1),
        ({"truncate": 0}, [b"abcd"], b"", 1),
        ({"truncate": 4}, [b"abcd"], b"abcd", 0),
        ({"corrupt": "request"}, [b"a\x9dcd"], b"a\x9dcd", 0),
        ({"corrupt": "answer"}, [b"abcd"], b"abc\x9b", 0),
        ({"key": "b*", "cut": "before"}, [b"abcd"], b"abcd", 0),
    ],
)
def test_what_becomes_of_a_request(
    rule: dict[str, Any], served: list[bytes | None], body: bytes, cuts: int
) -> None:
    house = House(**rule)
    assert house.ask(b"", b"ab", b"cd") == body
    assert (house.served, house.cuts) == (served, cuts)


@pytest.mark.parametrize("form", [b"Action=abcd", b""])
def test_cut_inside_a_call_to_sts(form: bytes) -> None:
    house = House(cut="inside")
    assert house.call(form) == b""
    assert house.cuts == 1


def test_cut_inside_the_answer_of_a_request_without_a_body() -> None:
    house = House(cut="inside")

    async def hello(scope: Mapping[str, Any], _receive: Receive, send: Send) -> None:
        await house.echo(scope, b"hello!", send)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    house.run(house.gate.oss(hello)(house.scope(), receive, house.send))
    assert (house.body(), house.cuts) == (b"hel", 1)


def test_the_crc_lies_and_nothing_else() -> None:
    house = House(wrong_crc=True)
    assert house.ask(b"abcd") == b"abcd"
    assert dict(house.sent[0]["headers"]) == {
        b"content-length": b"4",
        b"x-oss-hash-crc64ecma": b"7",
    }


def test_the_skew_is_one_request_s_own() -> None:
    house = House(nth=1, skew=-1200)
    house.ask(b"")
    house.ask(b"")
    assert house.judged == [NOW - timedelta(seconds=1200), NOW]
    assert house.clock.now() == NOW
