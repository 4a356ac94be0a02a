"""Versions: kept, hidden, brought back, removed for good, and listed."""

import base64
import hashlib

import pytest

from tests.sts_server.sandbox.house import House, Reply

VERSION = "x-oss-version-id"
MARKER = "x-oss-delete-marker"


def switch(house: House, state: str) -> Reply:
    body = f"<VersioningConfiguration><Status>{state}</Status></VersioningConfiguration>"
    return house.ask("PUT", "/bkt?versioning", (body.encode(),), house.owner)


def put(house: House, body: bytes, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.ask("PUT", "/bkt/a/x", (body,), house.owner, named).headers.get(VERSION, "")


def get(house: House, version: str = "", method: str = "GET") -> Reply:
    query = f"?versionId={version}" if version else ""
    return house.ask(method, f"/bkt/a/x{query}", who=house.owner)


def test_the_three_states(house: House) -> None:
    asked = [house.ask("GET", "/bkt?versioning", who=house.owner).xml.findtext("Status")]
    for state in ("Enabled", "Suspended"):
        assert switch(house, state).status == 200
        asked.append(house.ask("GET", "/bkt?versioning", who=house.owner).xml.findtext("Status"))
    assert asked == [None, "Enabled", "Suspended"]
    assert switch(house, "Disabled").error[:2] == (400, "MalformedXML")


def test_old_versions_are_kept(house: House) -> None:
    assert put(house, b"null") == ""
    switch(house, "Enabled")
    first, second = put(house, b"first"), put(house, b"second")
    assert get(house).headers[VERSION] == second != first
    assert [get(house, v).body for v in ("null", first, second)] == [b"null", b"first", b"second"]
    assert get(house, first, "HEAD").headers["Content-Length"] == "5"
    assert get(house, "none").error[:2] == (404, "NoSuchVersion")


def test_a_delete_marker_hides_and_goes(house: House) -> None:
    switch(house, "Enabled")
    first = put(house, b"first")
    gone = house.ask("DELETE", "/bkt/a/x", who=house.owner)
    assert (gone.status, gone.headers[MARKER]) == (204, "true")
    marker = gone.headers[VERSION]
    hidden = get(house)
    assert (hidden.error[1], hidden.headers[MARKER]) == ("NoSuchKey", "true")
    assert get(house, marker).error[:2] == (405, "MethodNotAllowed")
    assert get(house, first).body == b"first"
    assert not [*house.ask("GET", "/bkt", who=house.owner).xml.iter("Contents")]
    back = house.ask("DELETE", f"/bkt/a/x?versionId={marker}", who=house.owner)
    assert (back.headers[MARKER], back.headers[VERSION]) == ("true", marker)
    assert get(house).body == b"first"
    house.ask("DELETE", f"/bkt/a/x?versionId={first}", who=house.owner)
    assert house.bodies() == []
    assert house.ask("DELETE", "/bkt", who=house.owner).status == 204


def test_a_marker_is_made_where_nothing_was(house: House) -> None:
    switch(house, "Enabled")
    assert house.ask("DELETE", "/bkt/a/x", who=house.owner).headers[MARKER] == "true"
    assert house.ask("DELETE", "/bkt", who=house.owner).error[1] == "BucketNotEmpty"


def test_suspended_overwrites_the_null_version_only(house: House) -> None:
    switch(house, "Enabled")
    kept = put(house, b"kept")
    switch(house, "Suspended")
    assert put(house, b"null 1") == put(house, b"null 2") == "null"
    assert get(house).body == b"null 2"
    assert len(house.bodies()) == 2
    gone = house.ask("DELETE", "/bkt/a/x", who=house.owner)
    assert (gone.headers[VERSION], gone.headers[MARKER]) == ("null", "true")
    assert get(house, kept).body == b"kept"
    assert len(house.bodies()) == 1


@pytest.mark.parametrize("state", ["Enabled", "Suspended"])
def test_forbidding_to_overwrite_is_ignored(house: House, state: str) -> None:
    put(house, b"first")
    switch(house, state)
    assert put(house, b"second", x_oss_forbid_overwrite="true")
    assert get(house).body == b"second"


def test_versions_are_copied_and_described_by_id(house: House) -> None:
    switch(house, "Enabled")
    first = put(house, b"first")
    put(house, b"second")
    wish = {"x-oss-copy-source": f"/bkt/a/x?versionId={first}"}
    copied = house.ask("PUT", "/bkt/a/y", who=house.owner, headers=wish)
    assert copied.headers["x-oss-copy-source-version-id"] == first
    assert house.ask("GET", "/bkt/a/y").body == b"first"
    tags = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    house.ask("PUT", f"/bkt/a/x?tagging&versionId={first}", (tags,), house.owner)
    assert get(house, first).headers["x-oss-tagging-count"] == "1"
    assert "x-oss-tagging-count" not in get(house).headers


def test_a_version_needs_its_own_right(house: House) -> None:
    switch(house, "Enabled")
    version = put(house, b"x")
    assert house.ask("GET", "/bkt/a/x").status == 200
    denied = house.ask("GET", f"/bkt/a/x?versionId={version}")
    assert denied.error[:2] == (403, "AccessDenied")


def test_an_append_wants_no_versions(house: House) -> None:
    switch(house, "Enabled")
    reply = house.ask("POST", "/bkt/a/x?append&position=0", (b"x",), house.owner)
    assert reply.error[:2] == (400, "NotImplemented")


def test_listing_versions_page_by_page(house: House) -> None:
    put(house, b"null")
    switch(house, "Enabled")
    ids = ["null", put(house, b"1"), put(house, b"2")]
    ids.append(house.ask("DELETE", "/bkt/a/x", who=house.owner).headers[VERSION])
    house.ask("PUT", "/bkt/b", (b"x",), house.owner)
    found: list[tuple[str, str | None, str | None]] = []
    marker = ""
    for _ in range(5):
        tree = house.ask("GET", f"/bkt?versions&max-keys=1{marker}", who=house.owner).xml
        (item,) = [*tree.iter("Version"), *tree.iter("DeleteMarker")]
        found.append((item.tag, item.findtext("Key"), item.findtext("IsLatest")))
        if item.findtext("Key") == "a/x":
            assert item.findtext("VersionId") == ids.pop()
        key, version = tree.findtext("NextKeyMarker"), tree.findtext("NextVersionIdMarker")
        marker = f"&key-marker={key}&version-id-marker={version}"
    assert found == [
        ("DeleteMarker", "a/x", "true"),
        ("Version", "a/x", "false"),
        ("Version", "a/x", "false"),
        ("Version", "a/x", "false"),
        ("Version", "b", "true"),
    ]
    rolled = house.ask("GET", "/bkt?versions&delimiter=%2F", who=house.owner).xml
    assert [p.findtext("Prefix") for p in rolled.iter("CommonPrefixes")] == ["a/"]
    lost = house.ask("GET", "/bkt?versions&version-id-marker=x", who=house.owner)
    assert lost.error[:2] == (400, "InvalidArgument")


def test_deleting_many_versions(house: House) -> None:
    switch(house, "Enabled")
    version = put(house, b"x")
    first = _delete(house, "<Key>a/x</Key>")
    second = _delete(house, f"<Key>a/x</Key><VersionId>{version}</VersionId>")
    assert first.xml.findtext("Deleted/DeleteMarker") == "true"
    assert second.xml.findtext("Deleted/VersionId") == version
    assert house.bodies() == []


def _delete(house: House, item: str) -> Reply:
    raw = f"<Delete><Object>{item}</Object></Delete>".encode()
    md5 = base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
    return house.ask("POST", "/bkt?delete", (raw,), house.owner, {"content-md5": md5})
