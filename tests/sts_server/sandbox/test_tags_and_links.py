"""Tags, symbolic links, and what cannot be restored."""

import pytest

from tests.sts_server.sandbox.house import House, Reply

TARGET = "x-oss-symlink-target"


def tagging(*pairs: tuple[str, str]) -> bytes:
    tags = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in pairs)
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()


def tags_of(house: House) -> dict[str | None, str | None]:
    tree = house.ask("GET", "/bkt/a/x?tagging", who=house.owner).xml
    return {tag.findtext("Key"): tag.findtext("Value") for tag in tree.iter("Tag")}


def test_tags_come_and_go(house: House) -> None:
    house.ask("PUT", "/bkt/a/x", (b"x",), house.owner, {"x-oss-tagging": "a=1&b=%2B%20"})
    assert tags_of(house) == {"a": "1", "b": "+ "}
    put = house.ask("PUT", "/bkt/a/x?tagging", (tagging(("c", "")),), house.owner)
    assert (put.status, tags_of(house)) == (200, {"c": ""})
    assert house.ask("HEAD", "/bkt/a/x").headers["x-oss-tagging-count"] == "1"
    assert house.ask("DELETE", "/bkt/a/x?tagging", who=house.owner).status == 204
    assert tags_of(house) == {}
    assert house.ask("GET", "/bkt/a/x").body == b"x"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (tagging(*((str(n), "") for n in range(11))), "InvalidTag"),
        (tagging(("a", "1"), ("a", "2")), "InvalidTag"),
        (tagging(("", "1")), "InvalidTag"),
        (tagging(("a" * 129, "1")), "InvalidTag"),
        (tagging(("a", "1" * 257)), "InvalidTag"),
        (tagging(("a", "?")), "InvalidTag"),
        (b"<Tagging><Tags/></Tagging>", "MalformedXML"),
        (b"", "MalformedXML"),
    ],
)
def test_tags_that_are_refused(house: House, body: bytes, code: str) -> None:
    house.ask("PUT", "/bkt/a/x", (b"x",), house.owner, {"x-oss-tagging": "a=1"})
    reply = house.ask("PUT", "/bkt/a/x?tagging", (body,), house.owner)
    assert reply.error[:2] == (400, code)
    assert tags_of(house) == {"a": "1"}


@pytest.mark.parametrize(("tags", "code"), [("a", "InvalidArgument"), ("a=?", "InvalidTag")])
def test_tags_in_a_header_that_are_refused(house: House, tags: str, code: str) -> None:
    reply = house.ask("PUT", "/bkt/a/x", (b"x",), house.owner, {"x-oss-tagging": tags})
    assert reply.error[:2] == (400, code)


def bucket_tags(house: House) -> dict[str | None, str | None]:
    tree = house.ask("GET", "/bkt?tagging", who=house.owner).xml
    return {tag.findtext("Key"): tag.findtext("Value") for tag in tree.iter("Tag")}


def test_tags_of_a_bucket(house: House) -> None:
    assert bucket_tags(house) == {}
    body = tagging(("team", "a"), ("ü?", ""), ("more", "x" * 128))
    assert house.ask("PUT", "/bkt?tagging", (body,), house.owner).status == 200
    assert bucket_tags(house) == {"team": "a", "ü?": "", "more": "x" * 128}
    gone = house.ask("DELETE", "/bkt?tagging=more,nothing,team", who=house.owner)
    assert (gone.status, bucket_tags(house)) == (204, {"ü?": ""})
    assert house.ask("DELETE", "/bkt?tagging", who=house.owner).status == 204
    assert bucket_tags(house) == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (tagging(*((str(n), "") for n in range(21))), "InvalidTag"),
        (tagging(("a", "1"), ("a", "2")), "InvalidTag"),
        (tagging(("", "1")), "InvalidTag"),
        (tagging(("ü" * 33, "1")), "InvalidTag"),
        (tagging(("a", "1" * 129)), "InvalidTag"),
        (tagging(("http://a", "1")), "InvalidTag"),
        (tagging(("aliyunx", "1")), "InvalidTag"),
        (tagging(("a", "&#10;")), "InvalidTag"),
        (b"<Tagging><Tags/></Tagging>", "MalformedXML"),
    ],
)
def test_tags_of_a_bucket_that_are_refused(house: House, body: bytes, code: str) -> None:
    house.ask("PUT", "/bkt?tagging", (tagging(("a", "1")),), house.owner)
    reply = house.ask("PUT", "/bkt?tagging", (body,), house.owner)
    assert reply.error[:2] == (400, code)
    assert bucket_tags(house) == {"a": "1"}


def test_policies_see_the_tags_of_a_bucket(house: House) -> None:
    mine = {"StringEquals": {"oss:BucketTag/team": "a"}}
    rights = {"Effect": "Allow", "Action": "oss:PutObject", "Resource": "acs:oss:*:*:bkt/*"}
    who = house.limited({**rights, "Condition": mine})
    assert house.ask("PUT", "/bkt/a/x", (b"x",), who).error[1] == "AccessDenied"
    house.ask("PUT", "/bkt?tagging", (tagging(("team", "b")),), house.owner)
    assert house.ask("PUT", "/bkt/a/x", (b"x",), who).error[1] == "AccessDenied"
    house.ask("PUT", "/bkt?tagging", (tagging(("team", "a")),), house.owner)
    assert house.ask("PUT", "/bkt/a/x", (b"x",), who).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_tags_of_nothing(house: House, method: str) -> None:
    reply = house.ask(method, "/bkt/a/x?tagging", (tagging(("a", "1")),), house.owner)
    assert reply.error[:2] == (404, "NoSuchKey")


@pytest.mark.parametrize(("tag", "status"), [("1", 200), ("2", 403)])
def test_which_tags_may_be_given(house: House, tag: str, status: int) -> None:
    house.ask("PUT", "/bkt/a/x", (b"x",))
    who = house.limited(
        {
            "Effect": "Allow",
            "Action": ["oss:PutObjectTagging", "oss:PutObject"],
            "Resource": "acs:oss:*:*:bkt/*",
            "Condition": {"StringEquals": {"oss:RequestObjectTag/k": "1"}},
        }
    )
    body = tagging(("k", tag))
    assert house.ask("PUT", "/bkt/a/x?tagging", (body,), who).status == status
    wish = {"x-oss-tagging": f"k={tag}"}
    assert house.ask("PUT", "/bkt/a/x", (b"x",), who, wish).status == status


def link(house: House, target: str, path: str = "/bkt/a/link", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named[TARGET] = target
    return house.ask("PUT", f"{path}?symlink", who=house.owner, headers=named)


def test_a_link_is_read_as_its_target(house: House) -> None:
    etag = house.ask("PUT", "/bkt/a/x y", (b"12345",), headers={"x-oss-meta-a": "1"}).headers[
        "ETag"
    ]
    assert link(house, "a%2Fx%20y", x_oss_meta_a="2").status == 200
    shown = house.ask("GET", "/bkt/a/link?symlink")
    assert shown.headers[TARGET] == "a/x%20y"
    assert house.ask("GET", "/bkt/a/link").body == b"12345"
    assert house.ask("GET", "/bkt/a/link", headers={"range": "bytes=1-2"}).body == b"23"
    head = house.ask("HEAD", "/bkt/a/link")
    assert (head.headers["Content-Length"], head.headers["ETag"]) == ("5", etag)
    assert head.headers["x-oss-object-type"] == "Symlink"
    assert head.headers["x-oss-meta-a"] == "2"
    assert house.ask("DELETE", "/bkt/a/link", who=house.owner).status == 204
    assert house.ask("GET", "/bkt/a/x y").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_opens_no_object_that_is_closed(house: House, method: str) -> None:
    house.ask("PUT", "/bkt/secret", (b"x",), house.owner)
    for target in ("secret", "none"):
        link(house, target)
        reply = house.ask(method, "/bkt/a/link")
        assert reply.error == (403, "AccessDenied", "0003-00000201")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_links_that_lead_nowhere(house: House, method: str) -> None:
    link(house, "a/none")
    assert house.ask(method, "/bkt/a/link").error[:2] == (404, "SymlinkTargetNotExist")
    link(house, "a/link", "/bkt/a/second")
    assert house.ask(method, "/bkt/a/second").error[:2] == (400, "InvalidTargetType")


def test_what_is_no_link(house: House) -> None:
    house.ask("PUT", "/bkt/a/x", (b"x",))
    assert house.ask("GET", "/bkt/a/x?symlink").error[:2] == (400, "NotSymlink")
    assert house.ask("GET", "/bkt/a/none?symlink").error[:2] == (404, "NoSuchKey")
    assert link(house, "").error[:2] == (400, "InvalidArgument")
    assert link(house, "/a").error[:2] == (400, "InvalidObjectName")
    taken = link(house, "a/x", "/bkt/a/x", x_oss_forbid_overwrite="true")
    assert taken.error[:2] == (409, "FileAlreadyExists")


def test_nothing_is_archived(house: House) -> None:
    assert house.ask("POST", "/bkt/a/x?restore", who=house.owner).error[1] == "NoSuchKey"
    house.ask("PUT", "/bkt/a/x", (b"x",))
    reply = house.ask("POST", "/bkt/a/x?restore", who=house.owner)
    assert reply.error == (400, "OperationNotSupported", "0016-00000513")
