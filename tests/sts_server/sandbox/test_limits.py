"""Limits to the byte: what just fits, and what is one too much."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from sts_server.sandbox.accounts import User
from sts_server.sandbox.oss.access import authorize
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.incoming import MAX_PUT_BYTES, check_length, take_in
from sts_server.sandbox.oss.listing import gather
from sts_server.sandbox.oss.request import read_request
from sts_server.sandbox.ram.decision import Resource
from sts_server.sandbox.ram.document import parse_policy
from sts_server.sandbox.store.record import NO_BODY, Record
from tests.sts_server.sandbox.house import ACCOUNT, NOW, House

CHUNKED = {"transfer-encoding": "chunked"}


async def taken(house: House, pieces: list[bytes], limit: int) -> int:
    """Take a body in whose length was not said; give how long it was."""
    request = read_request(house.scope("PUT", "/bkt/a/x", CHUNKED, house.session))
    waiting = list(pieces)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def demand(*_: object, **__: object) -> None:
        """Allow everything."""

    call = Call(request, receive, house.store, "cn-hangzhou", ACCOUNT, demand)
    async with house.store.receive() as upload:
        return (await take_in(call, upload, limit)).size


def test_a_body_whose_length_is_not_said_is_counted(house: House) -> None:
    assert asyncio.run(taken(house, [b"12345", b"67890"], 10)) == 10
    with pytest.raises(OssError, match="EntityTooLarge"):
        asyncio.run(taken(house, [b"12345", b"67890", b"1"], 10))
    with pytest.raises(OssError, match="EntityTooLarge"):
        asyncio.run(taken(house, [b"12345678901", b"2"], 10))
    assert len(house.bodies()) == 1


def test_one_put_is_5_gb() -> None:
    assert take_in.__defaults__ == (MAX_PUT_BYTES,) == (5 * 1024**3,)
    check_length({"content-length": str(MAX_PUT_BYTES)})
    with pytest.raises(OssError, match="EntityTooLarge"):
        check_length({"content-length": str(MAX_PUT_BYTES + 1)})


@pytest.mark.parametrize(("values", "status"), [((4085, 4085), 200), ((4085, 4086), 400)])
def test_user_metadata_is_8_kb_names_and_all(
    house: House, values: tuple[int, int], status: int
) -> None:
    """Two names of 12 letters make 24 bytes of the 8192; and no header counts by itself."""
    names = ("x-oss-meta-a", "x-oss-meta-b")
    assert sum(map(len, names)) == 24
    meta = {name: "x" * (size - 1) for name, size in zip(names, values, strict=True)}
    reply = house.ask("PUT", "/bkt/a/x", (b"",), headers=meta)
    assert reply.status == status
    letters = dict.fromkeys(names, "ü" * 2042)  # two bytes each
    assert house.ask("PUT", "/bkt/a/x", (b"",), headers=letters).status == 200
    letters["x-oss-meta-c"] = ""
    assert house.ask("PUT", "/bkt/a/x", (b"",), headers=letters).error[1] == "InvalidArgument"


def test_an_account_has_no_right_in_another_ones_buckets(house: House) -> None:
    everything = parse_policy(
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    )
    request = read_request(house.scope("GET", "/bkt/a/x", {}, house.owner))
    there = Resource("oss", "cn-hangzhou", ACCOUNT, "bkt/a/x")
    for account, allowed in ((ACCOUNT, True), ("9999999999999999", False)):
        who = User("w", account, "LTAIwho", "s", (everything,))
        if allowed:
            authorize(who, request, "oss:GetObject", there, house.clock, {})
            continue
        with pytest.raises(OssError, match="AccessDenied"):
            authorize(who, request, "oss:GetObject", there, house.clock, {})


class Walked:
    """A bucket that counts how many of its entries are looked at."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.seen = 0

    def __call__(self, start: bytes, *, after: bool) -> Iterator[Record]:
        for key in self.keys:
            raw = key.encode()
            if raw > start or (raw == start and not after):
                self.seen += 1
                yield Record(key, "f", NO_BODY, NOW, {})


FLAT = [f"{number:04}" for number in range(1000)]
DEEP = [f"{folder:02}/{number:02}" for folder in range(40) for number in range(40)]


@pytest.mark.parametrize(
    ("keys", "prefix", "delimiter", "marker", "limit", "most"),
    [
        (FLAT, "", "", "", 10, 11),  # the one behind the page says that there are more
        (FLAT, "", "", "0500", 10, 11),
        (FLAT, "05", "", "", 1000, 101),  # and the one behind the prefix that there are not
        (FLAT, "05", "", "0598", 10, 2),
        (DEEP, "", "/", "", 10, 11),  # one look at each folder, however much is in it
        (DEEP, "", "/", "09/", 10, 11),
        (DEEP, "", "/", "09/20", 10, 11),
        (DEEP, "10/", "/", "", 10, 11),
        (DEEP, "10", "/", "", 10, 2),
    ],
)
def test_a_listing_looks_at_no_more_than_it_shows(
    keys: list[str], prefix: str, delimiter: str, marker: str, limit: int, most: int
) -> None:
    walked = Walked(keys)
    gather(walked, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
    assert walked.seen <= most
