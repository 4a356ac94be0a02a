"""Copies: what they take along, what they need, and when they do not happen."""

import pytest

from tests.sts_server.sandbox.house import House, Reply

SOURCE = "x-oss-copy-source"


def copy(house: House, target: str = "/bkt/a/y", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.ask("PUT", target, who=house.owner, headers={SOURCE: "/bkt/a%2Fx", **named})


@pytest.fixture
def etag(house: House) -> str:
    wish = {"content-type": "text/x", "x-oss-meta-a": "1", "x-oss-tagging": "k=v"}
    return house.ask("PUT", "/bkt/a/x", (b"12345",), house.owner, wish).headers["ETag"]


def test_a_copy_has_it_all(house: House, etag: str) -> None:
    done = copy(house)
    assert (done.status, done.xml.findtext("ETag")) == (200, etag)
    house.ask("DELETE", "/bkt/a/x", who=house.owner)
    got = house.ask("GET", "/bkt/a/y")
    assert got.body == b"12345"
    assert (got.headers["Content-Type"], got.headers["x-oss-meta-a"]) == ("text/x", "1")
    assert got.headers["x-oss-tagging-count"] == "1"
    assert len(house.bodies()) == 1


def test_a_copy_may_be_described_anew(house: House, etag: str) -> None:
    directives = {
        "x_oss_metadata_directive": "REPLACE",
        "x_oss_tagging_directive": "Replace",
        "x_oss_meta_b": "2",
    }
    assert copy(house, **directives).xml.findtext("ETag") == etag
    got = house.ask("HEAD", "/bkt/a/y")
    assert "x-oss-meta-a" not in got.headers
    assert "x-oss-tagging-count" not in got.headers
    assert got.headers["x-oss-meta-b"] == "2"


def test_a_copy_onto_itself_changes_the_metadata(house: House, etag: str) -> None:
    assert copy(house, "/bkt/a/x", x_oss_meta_b="2").xml.findtext("ETag") == etag
    got = house.ask("GET", "/bkt/a/x")
    assert (got.body, got.headers["x-oss-meta-b"]) == (b"12345", "2")
    assert "x-oss-meta-a" not in got.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x_oss_copy_source_if_match": "{etag}"}, 200),
        ({"x_oss_copy_source_if_match": '"0"'}, 412),
        ({"x_oss_copy_source_if_none_match": "{etag}"}, 304),
        ({"x_oss_copy_source_if_none_match": '"0"'}, 200),
        ({"x_oss_copy_source_if_modified_since": "Mon, 01 Dec 2025 08:30:00 GMT"}, 304),
        ({"x_oss_copy_source_if_unmodified_since": "Mon, 01 Dec 2025 08:29:59 GMT"}, 412),
        ({"if_match": '"0"', "x_oss_copy_source_content_type": "ignored"}, 200),
    ],
)
def test_conditions_on_the_source(
    house: House, etag: str, headers: dict[str, str], status: int
) -> None:
    filled = {name: value.format(etag=etag) for name, value in headers.items()}
    assert copy(house, **filled).status == status
    assert house.ask("GET", "/bkt/a/y").status == (200 if status == 200 else 404)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("/bkt/a/none", (404, "NoSuchKey")),
        ("/nowhere/a/x", (404, "NoSuchBucket")),
        ("/bkt/a/x?versionId=v", (404, "NoSuchVersion")),
        ("/bkt/a/x?version=v", (400, "InvalidArgument")),
        ("bkt/a/x", (400, "InvalidArgument")),
        ("/bkt/", (400, "InvalidArgument")),
        ("/bkt", (400, "InvalidArgument")),
        ("/bkt/%ff", (400, "InvalidArgument")),
        ("/bkt/\udcff", (400, "InvalidArgument")),
    ],
)
@pytest.mark.usefixtures("etag")
def test_sources_that_are_not(house: House, source: str, error: tuple[int, str]) -> None:
    reply = house.ask("PUT", "/bkt/a/y", who=house.owner, headers={SOURCE: source})
    assert reply.error[:2] == error


@pytest.mark.usefixtures("etag")
def test_a_copy_may_refuse_to_overwrite(house: House) -> None:
    house.ask("PUT", "/bkt/a/y", (b"old",))
    reply = copy(house, x_oss_forbid_overwrite="true")
    assert reply.error == (409, "FileAlreadyExists", "0026-00000002")
    assert len(house.bodies()) == 2
    assert copy(house).status == 200
    assert len(house.bodies()) == 2


GET = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:bkt/from/*"}
PUT = {"Effect": "Allow", "Action": "oss:PutObject", "Resource": "acs:oss:*:*:bkt/to/*"}


@pytest.mark.parametrize(("rights", "status"), [([GET, PUT], 200), ([GET], 403), ([PUT], 403)])
def test_both_rights_are_needed(house: House, rights: list[dict[str, str]], status: int) -> None:
    house.ask("PUT", "/bkt/from/x", (b"1",), house.owner)
    who = house.limited(*rights)
    for source in ("/bkt/from/x", "/bkt/from/missing"):
        reply = house.ask("PUT", "/bkt/to/x", who=who, headers={SOURCE: source})
        wanted = 404 if status == 200 and source.endswith("missing") else status
        assert reply.status == wanted


def test_tags_are_copied_by_whoever_may_read_and_write_them(house: House) -> None:
    house.ask("PUT", "/bkt/from/x", (b"1",), house.owner, {"x-oss-tagging": "k=v"})
    reply = house.ask(
        "PUT", "/bkt/to/x", who=house.limited(GET, PUT), headers={SOURCE: "/bkt/from/x"}
    )
    assert reply.error[:2] == (403, "AccessDenied")


def begin(house: House) -> str:
    reply = house.ask("POST", "/bkt/a/y?uploads", who=house.owner)
    return reply.xml.findtext("UploadId", "")


@pytest.mark.parametrize(
    ("wish", "expected"), [({}, b"12345"), ({"x_oss_copy_source_range": "bytes=1-3"}, b"234")]
)
@pytest.mark.usefixtures("etag")
def test_a_part_may_be_a_copy(house: House, wish: dict[str, str], expected: bytes) -> None:
    upload = begin(house)
    part = copy(house, f"/bkt/a/y?partNumber=1&uploadId={upload}", **wish)
    assert part.headers["ETag"] == part.xml.findtext("ETag")
    all_of_it = {"x-oss-complete-all": "yes"}
    done = house.ask("POST", f"/bkt/a/y?uploadId={upload}", (b"",), house.owner, all_of_it)
    assert done.status == 200
    assert house.ask("GET", "/bkt/a/y").body == expected


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"x_oss_copy_source_range": "bytes=1-5"}, 416),
        ({"x_oss_copy_source_range": "bytes=3-1"}, 400),
        ({"x_oss_copy_source_range": "bytes=1-"}, 400),
        ({"x_oss_copy_source_if_match": '"0"'}, 412),
        ({"x_oss_copy_source_if_modified_since": "Mon, 01 Dec 2025 08:30:00 GMT"}, 304),
        ({"x_oss_copy_source": "/bkt/none"}, 404),
    ],
)
@pytest.mark.usefixtures("etag")
def test_a_part_that_is_no_copy(house: House, wish: dict[str, str], status: int) -> None:
    upload = begin(house)
    part = copy(house, f"/bkt/a/y?partNumber=1&uploadId={upload}", **wish)
    assert part.status == status
    assert len(house.bodies()) == 1
