"""The label of a kept file: all of it comes back, or nothing."""

import json
import struct
from datetime import UTC, datetime

import pytest
from fastcrc import crc64
from hypothesis import given
from hypothesis import strategies as st

from sts_client.object_cache import label
from sts_client.objects import Head

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HEADS = st.builds(
    Head,
    key=st.text(min_size=1, max_size=20),
    etag=st.text(max_size=40),
    size=st.integers(0, 2**50),
    length=st.just(0),
    last_modified=st.none() | st.just(NOW),
    content_type=st.text(max_size=20),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    crc64=st.none(),
    request_id=st.just("x"),
)


@given(HEADS, st.integers(0, 2**64 - 1), st.binary(max_size=50))
def test_what_is_written_is_read(head: Head, crc: int, body: bytes) -> None:
    text = label.written(head, crc)
    found = label.read((body + text)[-label.LARGEST :], head.size + len(text), head.key)
    assert found is not None
    assert (found.key, found.etag, found.size) == (head.key, head.etag, head.size)
    assert (found.last_modified, found.content_type) == (head.last_modified, head.content_type)
    assert (found.metadata, found.crc64, found.length) == (head.metadata, crc, head.size)
    assert label.read(text, head.size + len(text) + 1, head.key) is None
    assert label.read(text, head.size + len(text), head.key + "x") is None


@given(HEADS, st.data())
def test_a_damaged_one_says_nothing(head: Head, data: st.DataObject) -> None:
    text = bytearray(label.written(head, 7))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= 1 << data.draw(st.integers(0, 7))
    assert label.read(bytes(text), head.size + len(text), head.key) is None


@pytest.mark.parametrize(
    "change", [{"size": "1"}, {"crc64": None}, {"metadata": []}, {"modified": "x"}, {"modified": 1}]
)
def test_one_that_is_whole_and_says_what_cannot_be(change: dict[str, object]) -> None:
    document = {"key": "k", "etag": "e", "size": 1, "modified": None, "type": "", "crc64": 1}
    document |= {"metadata": {}} | change
    text = json.dumps(document).encode()
    end = text + struct.pack(">4sQI", b"oss1", crc64.xz(text), len(text))
    assert label.read(end, 1 + len(end), "k") is None


@pytest.mark.parametrize("end", [b"", b"x", b"\xff" * 100, b"[" * 100_000])
def test_what_is_none(end: bytes) -> None:
    assert label.read(end, len(end), "k") is None
