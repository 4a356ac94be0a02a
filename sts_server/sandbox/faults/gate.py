"""Where faults happen: an ASGI wrapper around each of the two services, and nowhere else."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.faults.book import Book
from sts_server.sandbox.faults.refusal import oss_refusal, sts_refusal
from sts_server.sandbox.faults.rule import Rule, Target
from sts_server.sandbox.faults.target import oss_target, sts_target
from sts_server.sandbox.faults.wire import (
    Draw,
    corrupting_answer,
    corrupting_request,
    drop,
    dropping_inside,
    lying_about_crc,
    to_nobody,
    truncating,
)
from sts_server.sandbox.oss.addressing import Names
from sts_server.sandbox.oss.answer import Answer, Receive, Send
from sts_server.sandbox.seen import RequestLog

OssApp = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]
StsApp = Callable[[Mapping[str, Any], bytes, Send], Awaitable[None]]
Serve = Callable[[Receive, Send], Awaitable[None]]
Sleep = Callable[[float], Awaitable[object]]

Cors = Callable[[Mapping[str, Any]], Mapping[str, str]]

DEFAULT_NAMES = Names()


def _no_cors(_scope: Mapping[str, Any]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class _Visit:
    """One request, the rule that acts on it, and what it is about."""

    scope: Mapping[str, Any]
    rule: Rule
    target: Target


class Gate:
    """Lets requests through to the services, except where a rule says otherwise.

    Args:
        book: The rules.
        clock: Skewed for the requests that a rule says so of.
        log: Takes the requests that no service gets to see.
        names: What the sandbox is called, to tell bucket and key.
        sleep: Waits so many seconds.
        draw: Gives a random whole number below its argument.
        cors: Gives the headers that let a script read an answer of OSS to a request.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        log: RequestLog,
        names: Names = DEFAULT_NAMES,
        sleep: Sleep = asyncio.sleep,
        draw: Draw = secrets.randbelow,
        cors: Cors = _no_cors,
    ) -> None:
        self._book = book
        self._clock = clock
        self._log = log
        self._names = names
        self._sleep = sleep
        self._draw = draw
        self._cors = cors

    def oss(self, app: OssApp) -> OssApp:
        """Wrap the OSS side."""

        async def gated(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
            visit = self._visit(scope, partial(oss_target, scope, self._names))
            if visit is None:
                with self._unskewed():
                    await app(scope, receive, send)
                return
            refuse = partial(self._oss_refusal, visit)
            await self._spoil(visit, receive, send, partial(app, scope), refuse)

        return gated

    def sts(self, app: StsApp) -> StsApp:
        """Wrap the STS side, whose body has been read before."""

        async def gated(scope: Mapping[str, Any], form: bytes, send: Send) -> None:
            visit = self._visit(scope, partial(sts_target, scope, form))
            if visit is None:
                with self._unskewed():
                    await app(scope, form, send)
                return

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": form}

            async def serve(receive: Receive, send: Send) -> None:
                message = await receive()
                if message["type"] == "http.request":
                    await app(scope, message["body"], send)

            refuse = partial(sts_refusal, visit.rule, scope, form)
            await self._spoil(visit, receive, send, serve, refuse)

        return gated

    def _unskewed(self) -> AbstractContextManager[None]:
        # A connection that was slowed down goes on in the context of the request that slowed it,
        # and so would the next request that comes over it.
        return self._clock.skewed(timedelta())

    def _oss_refusal(self, visit: _Visit) -> Answer:
        answer = oss_refusal(visit.rule, visit.scope)
        return Answer(answer.status, {**answer.headers, **self._cors(visit.scope)}, answer.body)

    def _visit(self, scope: Mapping[str, Any], describe: Callable[[], Target]) -> _Visit | None:
        if not self._book:
            return None
        target = describe()
        rule = self._book.strike(target)
        return None if rule is None else _Visit(scope, rule, target)

    async def _spoil(
        self,
        visit: _Visit,
        receive: Receive,
        send: Send,
        serve: Serve,
        refuse: Callable[[], Answer],
    ) -> None:
        scope, rule = visit.scope, visit.rule
        if rule.latency:
            await self._sleep(rule.latency)
        if rule.status is not None:
            self._record(visit, rule.status, rule.code or "")
            await _answer(refuse(), send)
            return
        if rule.cut == "before":
            self._record(visit, 0, "")
            await drop(scope)
            return
        receive, send = self._spoiled(visit, receive, send)
        with self._clock.skewed(timedelta(seconds=rule.skew or 0)), suppress(DisconnectedError):
            await serve(receive, send)
        if rule.cut == "after":
            await drop(scope)

    def _spoiled(self, visit: _Visit, receive: Receive, send: Send) -> tuple[Receive, Send]:
        scope, rule = visit.scope, visit.rule
        if rule.cut == "inside":
            # A request with a body never gets to its answer, one without never to its body.
            return dropping_inside(scope, receive), truncating(scope, send, None)
        if rule.cut == "after":
            return receive, to_nobody
        if rule.truncate is not None:
            return receive, truncating(scope, send, rule.truncate)
        if rule.corrupt == "request":
            return corrupting_request(receive, self._draw), send
        if rule.corrupt == "answer":
            return receive, corrupting_answer(send, self._draw)
        if rule.wrong_crc:
            return receive, lying_about_crc(send)
        return receive, send

    def _record(self, visit: _Visit, status: int, code: str) -> None:
        """Log a request that no service will; status 0 is no answer at all."""
        self._log.add(
            visit.scope,
            service=visit.target.service,
            operation=visit.target.operation,
            access_key_id="",
            status=status,
            code=code,
        )


async def _answer(answer: Answer, send: Send) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = {**answer.headers, "Content-Length": str(len(body))}
    pairs = [(name.encode(), value.encode(errors="replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
