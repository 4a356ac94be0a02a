"""Appends: at the right place, to the right kind of object, one after another."""

import asyncio

import fastcrc
import pytest

from tests.sts_server.sandbox.house import House, Reply

NEXT = "x-oss-next-append-position"


def append(house: House, position: int | str, body: bytes, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["content-length"] = str(len(body))
    where = f"/bkt/a/x?append&position={position}"
    return house.ask("POST", where, (body,), house.owner, named)


def test_appending(house: House) -> None:
    first = append(house, 0, b"12345", x_oss_meta_a="1")
    second = append(house, 5, b"6789", x_oss_meta_a="2")
    assert (first.headers[NEXT], second.headers[NEXT]) == ("5", "9")
    assert second.headers["x-oss-hash-crc64ecma"] == str(fastcrc.crc64.xz(b"123456789"))
    assert first.headers["ETag"] != second.headers["ETag"]
    got = house.ask("GET", "/bkt/a/x")
    assert got.body == b"123456789"
    assert got.headers["x-oss-object-type"] == "Appendable"
    assert got.headers["ETag"] == second.headers["ETag"]
    assert (got.headers["x-oss-meta-a"], got.headers[NEXT]) == ("1", "9")
    assert "Content-MD5" not in got.headers
    assert len(house.bodies()) == 1


@pytest.mark.parametrize("position", [1, 4, 6])
def test_at_the_wrong_place(house: House, position: int) -> None:
    missing = append(house, position, b"x")
    assert missing.error[:2] == (409, "PositionNotEqualToLength")
    assert missing.headers[NEXT] == "0"
    append(house, 0, b"12345")
    wrong = append(house, position, b"x")
    assert (wrong.error[1], wrong.headers[NEXT]) == ("PositionNotEqualToLength", "5")
    assert len(house.bodies()) == 1


def test_other_objects_are_not_appended_to(house: House) -> None:
    house.ask("PUT", "/bkt/a/x", (b"",))
    assert append(house, 0, b"x").error[:2] == (409, "ObjectNotAppendable")


def test_a_put_makes_it_an_ordinary_object(house: House) -> None:
    append(house, 0, b"old")
    house.ask("PUT", "/bkt/a/x", (b"new",))
    assert house.ask("HEAD", "/bkt/a/x").headers["x-oss-object-type"] == "Normal"
    assert append(house, 3, b"x").error[1] == "ObjectNotAppendable"


def test_it_is_not_copied(house: House) -> None:
    append(house, 0, b"x")
    wish = {"x-oss-copy-source": "/bkt/a/x"}
    reply = house.ask("PUT", "/bkt/a/y", who=house.owner, headers=wish)
    assert reply.error == (400, "OperationNotSupported", "0016-00000513")


def test_forbidding_to_overwrite(house: House) -> None:
    assert append(house, 0, b"x", x_oss_forbid_overwrite="true").status == 200
    again = append(house, 1, b"x", x_oss_forbid_overwrite="true")
    assert again.error[:2] == (409, "FileAlreadyExists")


@pytest.mark.parametrize("position", ["", "-1", "x", "9" * 20])
def test_positions_that_are_none(house: House, position: str) -> None:
    assert append(house, position, b"x").error[:2] == (400, "InvalidArgument")
    missing = house.ask("POST", "/bkt/a/x?append", (b"x",), house.owner)
    assert missing.error == (400, "MissingArgument", "0016-00000501")


def test_a_reader_does_not_see_what_comes_later(house: House) -> None:
    append(house, 0, b"12345")

    async def scene() -> bytes:
        found = await house.store.open("bkt", "a/x")
        assert found is not None
        wish = {"content-length": "3"}
        where = "/bkt/a/x?append&position=5"
        await house.send(house.scope("POST", where, wish, house.owner), (b"678",))
        with found[1] as file:
            return file.read(found[0].digest.size)

    assert asyncio.run(scene()) == b"12345"


def test_of_appends_at_one_place_one_wins(house: House) -> None:
    async def all_at_once() -> list[int]:
        where = "/bkt/a/x?append&position=0"
        wish = {"content-length": "1"}
        scopes = [house.scope("POST", where, wish, house.owner) for _ in range(8)]
        replies = await asyncio.gather(*(house.send(scope, (b"x",)) for scope in scopes))
        return sorted(reply.status for reply in replies)

    assert asyncio.run(all_at_once()) == [200] + [409] * 7
    assert len(house.bodies()) == 1


@pytest.mark.parametrize("state", ["Enabled", "Suspended"])
def test_a_bucket_with_versioning_is_not_appended_to(house: House, state: str) -> None:
    """What a version of something that grows would be is unconfirmed; see `unconfirmed.py`."""
    append(house, 0, b"12345")
    body = f"<VersioningConfiguration><Status>{state}</Status></VersioningConfiguration>"
    house.ask("PUT", "/bkt?versioning", (body.encode(),), house.owner)
    for position in (0, 5):
        assert append(house, position, b"x").error[:2] == (400, "NotImplemented")
    assert house.ask("GET", "/bkt/a/x").body == b"12345"
