"""The two ends of one request's connection, spoiled on purpose."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.answer import Receive, Send

CRC = b"x-oss-hash-crc64ecma"
FLIP = 0xFF

Message = MutableMapping[str, Any]
Draw = Callable[[int], int]


async def drop(scope: Mapping[str, Any], *, flushed: bool = False) -> None:
    """Drop the connection of a request; where a server cannot, say nothing more on it.

    Args:
        scope: The ASGI scope; the listener has put the means into its extensions.
        flushed: Whether what was sent before still goes out.
    """
    cut = scope.get("extensions", {}).get("sandbox.cut")
    if cut is not None:
        cut["close" if flushed else "abort"]()
        await asyncio.sleep(0)  # one turn of the loop, in which the server notices


def dropping_inside(scope: Mapping[str, Any], receive: Receive) -> Receive:
    """Give a receive that lets no more than a first piece of the body in, and never its end."""

    async def receive_then_drop() -> Message:
        message = await receive()
        if message["type"] == "http.request" and message.get("body"):
            await drop(scope)
            return {"type": "http.disconnect"}
        return message

    return receive_then_drop


def corrupting_request(receive: Receive, draw: Draw) -> Receive:
    """Give a receive that turns one byte of the body's first piece over."""
    done = False

    async def receive_corrupted() -> Message:
        nonlocal done
        message = await receive()
        if not done and message.get("body"):
            done = True
            message["body"] = _flipped(message["body"], draw)
        return message

    return receive_corrupted


def corrupting_answer(send: Send, draw: Draw) -> Send:
    """Give a send that turns one byte of the body's first piece over."""
    done = False

    async def send_corrupted(message: Message) -> None:
        nonlocal done
        if not done and message.get("body"):
            done = True
            message["body"] = _flipped(message["body"], draw)
        await send(message)

    return send_corrupted


def lying_about_crc(send: Send) -> Send:
    """Give a send whose CRC header is off by one bit."""

    async def send_lie(message: Message) -> None:
        if "headers" in message:
            message["headers"] = [
                (name, str(int(value) ^ 1).encode() if name.lower() == CRC else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_lie


def truncating(scope: Mapping[str, Any], send: Send, limit: int | None) -> Send:
    """Give a send that drops the connection after so many bytes of the body.

    Args:
        scope: The ASGI scope.
        send: The real channel.
        limit: Bytes that go out; None for half of what the answer's Content-Length promises, or
            for nothing at all where there is no body.
    """
    left = limit or 0

    async def send_some(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            if limit is None:
                promised = _promised(message["headers"])
                left = promised // 2
                if not promised:
                    await drop(scope)
                    raise DisconnectedError("a fault cut the answer")
        else:
            body = message.get("body", b"")
            if len(body) > left:
                await send({**message, "body": body[:left], "more_body": True})
                await drop(scope, flushed=True)
                raise DisconnectedError("a fault cut the answer")
            left -= len(body)
        await send(message)

    return send_some


async def to_nobody(_message: Message) -> None:
    """Send into the void."""


def _promised(headers: list[tuple[bytes, bytes]]) -> int:
    return next((int(value) for name, value in headers if name.lower() == b"content-length"), 0)


def _flipped(body: bytes, draw: Draw) -> bytes:
    spoiled = bytearray(body)
    spoiled[draw(len(spoiled))] ^= FLIP
    return bytes(spoiled)
