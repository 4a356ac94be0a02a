"""Multipart uploads: what makes an object of parts, what refuses to, and what is left behind."""

import asyncio
import hashlib

import fastcrc
import pytest

from tests.sts_server.sandbox.house import House, Reply

SMALL = 100 * 1024


def begin(house: House, path: str = "/bkt/a/x", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = house.ask("POST", f"{path}?uploads", who=house.owner, headers=named)
    assert reply.status == 200, reply.body
    return reply.xml.findtext("UploadId", "")


def send(house: House, upload: str, number: int, body: bytes, path: str = "/bkt/a/x") -> Reply:
    where = f"{path}?partNumber={number}&uploadId={upload}"
    return house.ask("PUT", where, (body,), who=house.owner)


def document(*parts: tuple[int, str]) -> bytes:
    inner = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts
    )
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def complete(house: House, upload: str, body: bytes, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    where = f"/bkt/a/x?uploadId={upload}"
    return house.ask("POST", where, (body,), who=house.owner, headers=named)


def test_parts_become_one_object(house: House) -> None:
    upload = begin(house, content_type="text/x", x_oss_meta_a="1")
    bodies = [b"a" * SMALL, b"b" * SMALL, b"c"]
    tags = [send(house, upload, n + 1, body).headers["ETag"] for n, body in enumerate(bodies)]
    assert house.ask("GET", "/bkt/a/x").error[1] == "NoSuchKey"
    done = complete(house, upload, document(*enumerate(tags, 1)))
    assert done.status == 200
    whole = b"".join(bodies)
    assert done.headers["x-oss-hash-crc64ecma"] == str(fastcrc.crc64.xz(whole))
    parts = b"".join(hashlib.md5(b, usedforsecurity=False).digest() for b in bodies)
    tag = hashlib.md5(parts, usedforsecurity=False).hexdigest().upper()
    assert done.headers["ETag"] == done.xml.findtext("ETag") == f'"{tag}-3"'
    got = house.ask("GET", "/bkt/a/x")
    assert got.body == whole
    assert got.headers["x-oss-object-type"] == "Multipart"
    assert (got.headers["Content-Type"], got.headers["x-oss-meta-a"]) == ("text/x", "1")
    assert "Content-MD5" not in got.headers
    assert len(house.bodies()) == 1
    again = complete(house, upload, document((1, tags[0])))
    assert again.error == (404, "NoSuchUpload", "0042-00000311")


SAID = {"x-oss-meta-a": "1", "x-oss-tagging": "a=1", "x-oss-object-acl": "private"}


def test_what_describes_the_object_may_be_repeated(house: House) -> None:
    """For ali-oss repeats it with every request of the upload, and oss2 the ACL at its end."""
    upload = begin(house, **SAID)
    where = f"/bkt/a/x?partNumber=1&uploadId={upload}"
    sent = house.ask("PUT", where, (b"z",), who=house.owner, headers=SAID)
    assert sent.status == 200, sent.body
    done = complete(house, upload, document((1, sent.headers["ETag"])), **SAID)
    assert done.status == 200, done.body
    assert house.ask("GET", "/bkt/a/x").headers["x-oss-meta-a"] == "1"
    tags = house.ask("GET", "/bkt/a/x?tagging", who=house.owner)
    assert tags.xml.findtext("TagSet/Tag/Value") == "1"
    acl = house.ask("GET", "/bkt/a/x?acl", who=house.owner)
    assert acl.xml.findtext("AccessControlList/Grant") == "private"


@pytest.mark.parametrize(
    "late",
    [
        {"x-oss-meta-a": "2"},
        {"x-oss-meta-b": "1"},
        {"x-oss-tagging": "a=2"},
        {"x-oss-object-acl": "public-read"},
    ],
)
def test_nothing_new_is_said_of_an_object_later(house: House, late: dict[str, str]) -> None:
    upload = begin(house, **SAID)
    where = f"/bkt/a/x?partNumber=1&uploadId={upload}"
    refused = house.ask("PUT", where, (b"z",), who=house.owner, headers=late)
    assert refused.error[:2] == (400, "InvalidArgument")
    tag = send(house, upload, 1, b"z").headers["ETag"]
    assert complete(house, upload, document((1, tag)), **late).error[:2] == (400, "InvalidArgument")
    assert complete(house, upload, document((1, tag))).status == 200


def test_all_parts_without_a_list(house: House) -> None:
    upload = begin(house)
    send(house, upload, 7, b"z")
    send(house, upload, 3, b"y" * SMALL)
    assert complete(house, upload, b"", x_oss_complete_all="yes").status == 200
    assert house.ask("GET", "/bkt/a/x").body == b"y" * SMALL + b"z"


def test_a_part_sent_again_takes_the_place_of_the_first(house: House) -> None:
    upload = begin(house)
    old = send(house, upload, 1, b"old").headers["ETag"]
    new = send(house, upload, 1, b"new").headers["ETag"]
    assert len(house.bodies()) == 1
    assert complete(house, upload, document((1, old))).error[1] == "InvalidPart"
    assert complete(house, upload, document((1, new))).status == 200


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (document((2, "{b}"), (1, "{a}")), {}, "InvalidPartOrder"),
        (document((1, "{a}"), (1, "{a}")), {}, "InvalidPartOrder"),
        (document((1, "{a}"), (9, "{b}")), {}, "InvalidPart"),
        (document((1, "{b}")), {}, "InvalidPart"),
        (document((1, "{a}"), (2, "{b}")), {}, "EntityTooSmall"),
        (document((0, "{a}")), {}, "InvalidArgument"),
        (document((10001, "{a}")), {}, "InvalidArgument"),
        (document((1, "{a}")).replace(b"<Part>", b"<Part><ETag/>"), {}, "MalformedXML"),
        (document((1, "{a}")).replace(b">1<", b">" + b"0" * 5000 + b"1<"), {}, "InvalidArgument"),
        (document(), {}, "MalformedXML"),
        (b"", {}, "MalformedXML"),
        (b"<Other/>", {}, "MalformedXML"),
        (b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>", {}, "MalformedXML"),
        (b"<CompleteMultipartUpload><Pieces/></CompleteMultipartUpload>", {}, "MalformedXML"),
        (document((1, "{a}")), {"x_oss_complete_all": "yes"}, "InvalidArgument"),
        (b"", {"x_oss_complete_all": "no"}, "InvalidArgument"),
    ],
)
def test_what_does_not_complete(
    house: House, body: bytes, headers: dict[str, str], code: str
) -> None:
    upload = begin(house)
    tags = {"a": send(house, upload, 1, b"a").headers["ETag"]}
    tags["b"] = send(house, upload, 2, b"b").headers["ETag"]
    filled = body.decode().format(**tags).encode()
    reply = complete(house, upload, filled, **headers)
    assert reply.error[:2] == (400, code)
    assert len(house.bodies()) == 2


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1", ""])
def test_part_numbers(house: House, number: str) -> None:
    upload = begin(house)
    where = f"/bkt/a/x?partNumber={number}&uploadId={upload}"
    reply = house.ask("PUT", where, (b"x",), who=house.owner)
    assert reply.error[:2] == (400, "InvalidArgument")


def test_aborting_removes_every_part(house: House) -> None:
    upload = begin(house)
    send(house, upload, 1, b"x")
    where = f"/bkt/a/x?uploadId={upload}"
    assert house.ask("DELETE", where, who=house.owner).status == 204
    assert house.bodies() == []
    again = house.ask("DELETE", where, who=house.owner)
    assert again.error == (404, "NoSuchUpload", "0042-00000311")
    listed = house.ask("GET", where, who=house.owner)
    assert listed.error == (404, "NoSuchUpload", "0042-00000002")
    assert send(house, upload, 1, b"x").error == (404, "NoSuchUpload", "0042-00000104")
    assert house.bodies() == []


def test_an_upload_belongs_to_its_key(house: House) -> None:
    upload = begin(house)
    assert send(house, upload, 1, b"x", "/bkt/a/y").error[1] == "NoSuchUpload"


def test_forbidding_to_overwrite(house: House) -> None:
    early = begin(house, x_oss_forbid_overwrite="true")
    tag = send(house, early, 1, b"x").headers["ETag"]
    house.ask("PUT", "/bkt/a/x", (b"first",))
    late = house.ask(
        "POST", "/bkt/a/x?uploads", who=house.owner, headers={"x-oss-forbid-overwrite": "true"}
    )
    assert late.error == (409, "FileAlreadyExists", "0026-00000002")
    done = complete(house, early, document((1, tag)), x_oss_forbid_overwrite="true")
    assert done.error == (409, "FileAlreadyExists", "0026-00000002")
    assert house.ask("GET", "/bkt/a/x").body == b"first"
    assert complete(house, early, document((1, tag))).status == 200


def test_of_completions_at_once_one_wins(house: House) -> None:
    uploads = [begin(house) for _ in range(8)]
    for upload in uploads:
        send(house, upload, 1, upload.encode())

    async def all_at_once() -> list[Reply]:
        wish = {"x-oss-forbid-overwrite": "true", "x-oss-complete-all": "yes"}
        scopes = [
            house.scope("POST", f"/bkt/a/x?uploadId={upload}", wish, house.owner)
            for upload in (*uploads, uploads[0])
        ]
        return await asyncio.gather(*(house.send(scope, (b"",)) for scope in scopes))

    statuses = [reply.status for reply in asyncio.run(all_at_once())]
    assert statuses.count(200) == 1
    assert house.ask("GET", "/bkt/a/x").body == uploads[statuses.index(200) % 8].encode()


def test_listing_parts(house: House) -> None:
    upload = begin(house)
    for number in (1, 2, 5):
        send(house, upload, number, b"x" * number)
    where = f"/bkt/a/x?uploadId={upload}&max-parts=2"
    first = house.ask("GET", where, who=house.owner).xml
    assert [part.findtext("Size") for part in first.iter("Part")] == ["1", "2"]
    assert first.findtext("IsTruncated") == "true"
    marker = first.findtext("NextPartNumberMarker")
    second = house.ask("GET", f"{where}&part-number-marker={marker}", who=house.owner).xml
    assert [part.findtext("PartNumber") for part in second.iter("Part")] == ["5"]
    assert second.findtext("IsTruncated") == "false"


def test_listing_uploads_page_by_page(house: House) -> None:
    begun = sorted((path, begin(house, path)) for path in ["/bkt/a/1"] * 3 + ["/bkt/b", "/bkt/a/2"])
    found = []
    marker = "&key-marker="
    for _ in range(len(begun)):
        page = house.ask("GET", f"/bkt?uploads&max-uploads=1{marker}", who=house.owner).xml
        found += [
            (f"/bkt/{u.findtext('Key')}", u.findtext("UploadId")) for u in page.iter("Upload")
        ]
        key, upload = page.findtext("NextKeyMarker"), page.findtext("NextUploadIdMarker")
        marker = f"&key-marker={key}&upload-id-marker={upload}"
    assert found == begun
    rolled = house.ask("GET", "/bkt?uploads&delimiter=%2F", who=house.owner).xml
    assert [p.findtext("Prefix") for p in rolled.iter("CommonPrefixes")] == ["a/"]


def test_parts_survive_a_restart_and_are_swept_with_their_upload(house: House) -> None:
    upload = begin(house)
    send(house, upload, 1, b"x")
    house.store.close()
    again = House(house.folder)
    house.store = again.store
    assert len(again.bodies()) == 1
    assert complete(again, upload, b"", x_oss_complete_all="yes").status == 200


def test_a_cut_part_leaves_nothing(house: House) -> None:
    upload = begin(house)
    where = f"/bkt/a/x?partNumber=1&uploadId={upload}"
    house.ask("PUT", where, (b"half", None), who=house.owner, headers={"content-length": "8"})
    assert house.bodies() == []
