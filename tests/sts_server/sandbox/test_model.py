"""Random sequences of operations, against a model that is a dictionary and nothing more."""

import base64
import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import fastcrc
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import SearchStrategy

from tests.sts_server.sandbox.house import House, Reply

KEYS: SearchStrategy[str] = st.sampled_from(["a", "a/b", "a/c", "z"])
BODIES: SearchStrategy[bytes] = st.binary(max_size=20)
TAGS: SearchStrategy[str] = st.sampled_from(["right", "wrong", "*"])
MOMENT = "Mon, 01 Dec 2025 08:30:00 GMT"


@dataclass
class Thing:
    """An object as the model knows it."""

    body: bytes
    kind: str
    etag: str


@dataclass
class Begun:
    """An upload as the model knows it."""

    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


class Oss(RuleBasedStateMachine):
    """One bucket, and what should be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self.folder.name))
        self.things: dict[str, Thing] = {}
        self.uploads: dict[str, Begun] = {}

    def teardown(self) -> None:
        self.house.store.close()
        self.folder.cleanup()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["content-length"] = str(len(body))
        return self.house.ask(method, f"/bkt/{path}", (body,), self.house.owner, named)

    def wish(self, *, forbid: bool) -> dict[str, str]:
        return {"x_oss_forbid_overwrite": "true"} if forbid else {}

    def taken(self, key: str, reply: Reply, *, forbid: bool) -> bool:
        """Say whether a write had to lose, after checking that it did."""
        if forbid and key in self.things:
            assert reply.error == (409, "FileAlreadyExists", "0026-00000002")
            return True
        assert reply.status == 200, reply.body
        return False

    @rule(key=KEYS, body=BODIES, forbid=st.booleans())
    def put(self, key: str, body: bytes, *, forbid: bool) -> None:
        reply = self.ask("PUT", key, body, **self.wish(forbid=forbid))
        if not self.taken(key, reply, forbid=forbid):
            self.things[key] = Thing(body, "Normal", reply.headers["ETag"])

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.ask("DELETE", key).status == 204
        self.things.pop(key, None)

    @rule(keys=st.sets(KEYS, min_size=1), quiet=st.booleans())
    def delete_many(self, keys: set[str], *, quiet: bool) -> None:
        objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in sorted(keys))
        body = f"<Delete><Quiet>{str(quiet).lower()}</Quiet>{objects}</Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        reply = self.ask("POST", "?delete", body, content_md5=md5)
        assert (reply.status, bool(reply.body)) == (200, not quiet)
        for key in keys:
            self.things.pop(key, None)

    @rule(source=KEYS, aim=KEYS, forbid=st.booleans(), tag=TAGS)
    def copy(self, source: str, aim: str, tag: str, *, forbid: bool) -> None:
        thing = self.things.get(source)
        wanted = {"right": thing.etag if thing else '"0"', "wrong": '"0"', "*": "*"}[tag]
        reply = self.ask(
            "PUT",
            aim,
            b"",
            x_oss_copy_source=f"/bkt/{source}",
            x_oss_copy_source_if_match=wanted,
            **self.wish(forbid=forbid),
        )
        if thing is None:
            assert reply.error[:2] == (404, "NoSuchKey")
        elif thing.kind == "Appendable":
            assert reply.error[:2] == (400, "OperationNotSupported")
        elif tag == "wrong":
            assert reply.error[:2] == (412, "PreconditionFailed")
        elif not self.taken(aim, reply, forbid=forbid):
            assert reply.xml.findtext("ETag") == thing.etag
            self.things[aim] = Thing(thing.body, "Normal", thing.etag)

    @rule(key=KEYS, body=BODIES, offset=st.sampled_from([0, 0, 0, 1]))
    def append(self, key: str, body: bytes, offset: int) -> None:
        thing = self.things.get(key)
        length = len(thing.body) if thing else 0
        reply = self.ask("POST", f"{key}?append&position={length + offset}", body)
        if thing and thing.kind != "Appendable":
            assert reply.error[:2] == (409, "ObjectNotAppendable")
        elif offset:
            assert reply.error[:2] == (409, "PositionNotEqualToLength")
            assert reply.headers["x-oss-next-append-position"] == str(length)
        else:
            whole = (thing.body if thing else b"") + body
            assert reply.headers["x-oss-next-append-position"] == str(len(whole))
            self.things[key] = Thing(whole, "Appendable", reply.headers["ETag"])

    @rule(key=KEYS, forbid=st.booleans())
    def begin(self, key: str, *, forbid: bool) -> None:
        reply = self.ask("POST", f"{key}?uploads", b"", **self.wish(forbid=forbid))
        if not self.taken(key, reply, forbid=forbid):
            self.uploads[reply.xml.findtext("UploadId", "")] = Begun(key)

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), number=st.integers(1, 3), body=BODIES)
    def part(self, data: st.DataObject, number: int, body: bytes) -> None:
        upload = data.draw(st.sampled_from(sorted(self.uploads)))
        begun = self.uploads[upload]
        reply = self.ask("PUT", f"{begun.key}?partNumber={number}&uploadId={upload}", body)
        assert reply.status == 200
        begun.parts[number] = body

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), forbid=st.booleans())
    def complete(self, data: st.DataObject, *, forbid: bool) -> None:
        upload = data.draw(st.sampled_from(sorted(self.uploads)))
        begun = self.uploads[upload]
        wish = {"x_oss_complete_all": "yes", **self.wish(forbid=forbid)}
        reply = self.ask("POST", f"{begun.key}?uploadId={upload}", b"", **wish)
        if not begun.parts:
            assert reply.error[:2] == (400, "InvalidPart")
        elif len(begun.parts) > 1:
            assert reply.error[:2] == (400, "EntityTooSmall")
        elif not self.taken(begun.key, reply, forbid=forbid):
            (body,) = begun.parts.values()
            self.things[begun.key] = Thing(body, "Multipart", reply.headers["ETag"])
            del self.uploads[upload]

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        upload = data.draw(st.sampled_from(sorted(self.uploads)))
        where = f"{self.uploads.pop(upload).key}?uploadId={upload}"
        assert self.ask("DELETE", where).status == 204
        assert self.ask("DELETE", where).error[:2] == (404, "NoSuchUpload")

    @rule(key=KEYS, tag=TAGS, header=st.sampled_from(["if_match", "if_none_match"]))
    def read_on_condition(self, key: str, tag: str, header: str) -> None:
        thing = self.things.get(key)
        wanted = {"right": thing.etag if thing else '"0"', "wrong": '"0"', "*": "*"}[tag]
        reply = self.ask("HEAD", key, b"", **{header: wanted})
        same = tag != "wrong"
        if thing is None:
            assert reply.error[:2] == (404, "NoSuchKey")
        elif header == "if_match":
            assert reply.status == (200 if same else 412)
        else:
            assert reply.status == (304 if same else 200)

    @rule(key=KEYS, first=st.integers(0, 25), length=st.integers(1, 25))
    def read_a_part(self, key: str, first: int, length: int) -> None:
        thing = self.things.get(key)
        wish = {"range": f"bytes={first}-{first + length - 1}"}
        reply = self.ask("GET", key, b"", x_oss_range_behavior="standard", **wish)
        if thing is None:
            assert reply.error[:2] == (404, "NoSuchKey")
        elif first >= len(thing.body):
            assert reply.error[:2] == (416, "InvalidRange")
        else:
            assert (reply.status, reply.body) == (206, thing.body[first : first + length])

    @invariant()
    def the_bucket_holds_what_it_should(self) -> None:
        listed = self.ask("GET", "?list-type=2").xml
        found = [
            (item.findtext("Key"), item.findtext("Type"), item.findtext("ETag"))
            for item in listed.iter("Contents")
        ]
        assert found == [
            (key, thing.kind, thing.etag) for key, thing in sorted(self.things.items())
        ]
        for key, thing in self.things.items():
            got = self.ask("GET", key)
            assert got.body == thing.body
            assert got.headers["x-oss-hash-crc64ecma"] == str(fastcrc.crc64.xz(thing.body))
            assert got.headers["Last-Modified"] == MOMENT
        uploads = self.ask("GET", "?uploads").xml
        assert {u.findtext("UploadId") for u in uploads.iter("Upload")} == set(self.uploads)

    @invariant()
    def no_file_is_left_over(self) -> None:
        parts = sum(len(begun.parts) for begun in self.uploads.values())
        assert len(self.house.bodies()) == len(self.things) + parts


TestOss = Oss.TestCase
TestOss.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
